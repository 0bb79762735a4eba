#include "store/catalog/catalog_file.h"

#include <utility>

#include <fmt/format.h>

#include "store/catalog/schema.h"

namespace telltale::store {
namespace {

using base::ErrorCode;

constexpr int most_damaged_files = 1000;

// SQLite would make a file that everybody can read; its -wal and -shm take the rights of the file.
base::Status make_private_file(base::Files& files, const std::string& data_folder) {
  if (auto made = files.make_directories(data_folder); !made) return made;
  auto file = files.open_write(catalog_path(data_folder), base::OpenMode::create_or_append);
  if (!file) return base::pass(file);
  return {};
}

base::Result<Database> open_current(const std::string& path) {
  auto database = Database::open(path, DatabaseMode::read_write);
  if (!database) return database;
  if (auto migrated = migrate(*database); !migrated) return base::pass(migrated);
  if (auto checked = database->check(); !checked) return base::pass(checked);
  return database;
}

bool is_missing(const base::Status& status) {
  return !status && status.error().code == ErrorCode::file_not_found;
}

// The write-ahead log belongs to the file: it goes along; the shared memory beside it says nothing without them.
base::Result<std::string> set_aside(base::Files& files, const std::string& path) {
  for (int number = 1; number <= most_damaged_files; ++number) {
    const std::string target = fmt::format("{}.damaged-{}", path, number);
    if (files.info(target)) continue;
    if (auto moved = files.rename(path, target); !moved) return base::pass(moved);
    if (auto moved = files.rename(path + "-wal", target + "-wal"); !moved && !is_missing(moved)) return base::pass(moved);
    if (auto removed = files.remove(path + "-shm"); !removed && !is_missing(removed)) return base::pass(removed);
    if (auto synced = files.sync_directory(base::parent_path(path)); !synced) return base::pass(synced);
    return target;
  }
  return base::fail(ErrorCode::store_corrupt, fmt::format("{} is damaged and {} damaged files lie beside it", path, most_damaged_files),
                    "Remove the damaged files that are not needed.");
}

}  // namespace

std::string catalog_path(std::string_view data_folder) {
  return base::join_path(data_folder, "catalog.sqlite");
}

base::Result<OpenedCatalog> open_or_replace(base::Files& files, const std::string& data_folder) {
  const std::string path = catalog_path(data_folder);
  if (auto made = make_private_file(files, data_folder); !made) return base::pass(made);
  auto database = open_current(path);
  if (database) return OpenedCatalog{std::move(*database), std::nullopt};
  if (database.error().code != ErrorCode::store_corrupt) return base::pass(database);
  auto aside = set_aside(files, path);
  if (!aside) return base::pass(aside);
  if (auto made = make_private_file(files, data_folder); !made) return base::pass(made);
  auto fresh = open_current(path);
  if (!fresh) return base::pass(fresh);
  return OpenedCatalog{
      std::move(*fresh),
      fmt::format("the catalog was damaged and is kept as {}; the tokens in it are lost: make them again with `telltale token create`",
                  *aside)};
}

base::Result<Database> open_shared(base::Files& files, const std::string& data_folder) {
  const std::string path = catalog_path(data_folder);
  auto made = make_private_file(files, data_folder);
  if (made) return open_current(path);
  if (made.error().code != ErrorCode::permission_denied || !files.info(path)) return base::pass(made);
  auto database = Database::open(path, DatabaseMode::read_only);
  if (!database) return database;
  if (auto migrated = migrate(*database); !migrated) return base::pass(migrated);
  return database;
}

}  // namespace telltale::store
