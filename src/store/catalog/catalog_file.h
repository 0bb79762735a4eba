// DATA/catalog.sqlite as a file: made private, brought up to date, set aside when it is damaged.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "store/catalog/sqlite.h"

namespace telltale::store {

std::string catalog_path(std::string_view data_folder);

struct OpenedCatalog {
  Database database;
  std::optional<std::string> warning;  // a damaged file was set aside
};

// For the engine, which holds the lock of the data folder.
base::Result<OpenedCatalog> open_or_replace(base::Files& files, const std::string& data_folder);

// For commands: leaves a damaged file alone; for reading where it cannot be written.
base::Result<Database> open_shared(base::Files& files, const std::string& data_folder);

}  // namespace telltale::store
