// The catalog: SQLite at DATA/catalog.sqlite. An index over what the segments say (streams, first and last seen), which can be deleted and
// is rebuilt, and the only home of tokens.
//
// Threads: open/close by the owner; all else from any thread. on_commit only notes a few numbers of each batch (bounded; what does not fit
// is caught up by scanning) and never waits for SQLite, which a thread of the catalog's own keeps up to date about once a second.
// check_token looks at a copy in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "record/ports.h"
#include "store/engine/store.h"

namespace telltale::store {

// The roles of a token, one or several of viewer, analyst, ingester, admin with commas, in this order and each once. Nothing when a name
// is none of these.
std::optional<std::string> parse_token_roles(std::string_view names);

struct TokenInfo {
  std::string id;  // short, for `telltale token revoke`
  std::string name;
  std::string roles;  // see parse_token_roles()
  std::string scope;  // a stream selector; empty: everything
  UnixNanos created = 0;
  UnixNanos last_used = 0;  // 0: never; exact to a minute
  bool revoked = false;
};

struct NewToken {
  TokenInfo info;
  std::string token;  // tt_…; shown once, never stored
};

// What is kept of a stream.
struct StreamSummary {
  StreamRef stream;
  Sequence first_sequence = 0;
  Sequence last_sequence = 0;
  UnixNanos first_observed = 0;
  UnixNanos last_observed = 0;
  std::uint64_t records = 0;  // without gaps
  std::uint64_t errors = 0;   // error records among them
  std::uint64_t gaps = 0;
};

class Catalog : public record::CommitListener {
 public:
  // Opens or makes the file and brings it up to `reader`, which outlives close(), in the background. A file that is no database is set
  // aside as catalog.sqlite.damaged-N, a new one is made, and warnings() says that tokens are lost. store_version when it is of a newer
  // version. A null reader means tokens only, as for commands: there is no thread, a damaged file is store_corrupt and left alone (an
  // engine may have it open), and where the file cannot be written it is opened for reading.
  static base::Result<std::unique_ptr<Catalog>> open(const std::string& data_folder, base::Files& files, const base::Clock& clock,
                                                     base::Random& random, const StoreReader* reader);

  virtual base::Result<NewToken> create_token(std::string_view name, std::string_view roles, std::string_view scope) = 0;
  virtual std::vector<TokenInfo> tokens() const = 0;
  // not_found names the id.
  virtual base::Status revoke_token(std::string_view id) = 0;
  // The token's holder; nobody for unknown or revoked text. In constant time for equal lengths, from memory. Tokens made or revoked by
  // another process are seen within seconds.
  virtual std::optional<TokenInfo> check_token(std::string_view token) const = 0;

  // By first sequence, exact but for what was committed in the last moments (flush() first for all). Soon after the opening it waits until
  // what the file lacked was read from the store, 2 s at the most: until then streams would seem to be gone. Empty, with a warning, when
  // the file cannot be read.
  virtual std::vector<StreamSummary> streams() const = 0;
  // What is wrong with the catalog, for /health: one sentence each.
  virtual std::vector<std::string> warnings() const = 0;
  // Waits until everything committed before the call is in the file, and until the catalog has seen what retention and other processes
  // did; for tests and stopping. timeout after `timeout_ns`, or the error that keeps it from being written.
  virtual base::Status flush(std::int64_t timeout_ns) = 0;
  // Writes what was noted and ends the thread; later commits are caught up at the next opening. Idempotent.
  virtual base::Status close() = 0;
};

}  // namespace telltale::store
