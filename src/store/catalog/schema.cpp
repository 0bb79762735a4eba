#include "store/catalog/schema.h"

#include <fmt/format.h>

namespace telltale::store {
namespace {

// migrations[n] makes version n + 1 of version n. PRAGMA user_version holds the version. A migration is never changed once released.
constexpr const char* migrations[] = {
    // Version 1. index_state, streams, stream_labels and parts are an index of the segments and may be emptied at any time; tokens exist
    // nowhere else. A part is a range of sequences (stream_index.h).
    R"sql(
      CREATE TABLE index_state (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
      CREATE TABLE streams (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);
      CREATE TABLE stream_labels (
        stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
        name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (stream, name)) WITHOUT ROWID;
      CREATE TABLE parts (
        part INTEGER NOT NULL,
        stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
        first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL,
        first_observed INTEGER NOT NULL, last_observed INTEGER NOT NULL,
        records INTEGER NOT NULL, errors INTEGER NOT NULL, gaps INTEGER NOT NULL,
        PRIMARY KEY (part, stream)) WITHOUT ROWID;
      CREATE INDEX parts_stream ON parts (stream);
      CREATE TABLE tokens (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL, role TEXT NOT NULL, scope TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        created INTEGER NOT NULL,
        last_used INTEGER NOT NULL DEFAULT 0,
        revoked INTEGER NOT NULL DEFAULT 0);
    )sql",
};
static_assert(std::size(migrations) == catalog_version);

base::Result<std::int64_t> version_of(Database& database) {
  auto version = database.integer("PRAGMA user_version");
  if (!version) return base::pass(version);
  if (*version > catalog_version) {
    return base::fail(base::ErrorCode::store_version,
                      fmt::format("the catalog has version {}, this telltale knows versions up to {}", *version, catalog_version));
  }
  return version;
}

}  // namespace

base::Status migrate(Database& database) {
  auto version = version_of(database);
  if (!version) return base::pass(version);
  if (*version == catalog_version) return {};
  auto transaction = Transaction::begin(database);
  if (!transaction) return base::pass(transaction);
  // Another process may have done it while this one waited for the lock.
  version = version_of(database);
  if (!version) return base::pass(version);
  for (std::int64_t step = *version; step < catalog_version; ++step) {
    if (auto done = database.run(migrations[step]); !done) return done;
  }
  if (auto stamped = database.run(fmt::format("PRAGMA user_version = {}", catalog_version)); !stamped) return stamped;
  return transaction->commit();
}

}  // namespace telltale::store
