// The tables of DATA/catalog.sqlite.
#pragma once

#include "base/error.h"
#include "store/catalog/sqlite.h"

namespace telltale::store {

inline constexpr std::int64_t catalog_version = 1;

// Brings a file of any earlier version to this one, in one transaction; an empty file gets the tables. store_version: a newer telltale
// wrote it.
base::Status migrate(Database& database);

}  // namespace telltale::store
