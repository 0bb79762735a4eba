// Where a command finds what it asks: a running engine, or the data folder itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "cli/context.h"
#include "net/http/client.h"
#include "store/engine/store.h"

namespace telltale::cli {

// A running engine.
struct Remote {
  net::Url url;  // of its root
  std::string token;

  // GET of a path with query; problems of the engine become errors with its cause and remedy.
  base::Result<net::Response> get(const std::string& target, std::int64_t timeout_ns) const;
  net::Headers headers() const;
};

// The data folder, opened for reading.
using Offline = std::unique_ptr<store::StoreReader>;

using Endpoint = std::variant<Remote, Offline>;

// The engine named by --url or TELLTALE_URL (it must answer), else the one of DATA/engine.json if it answers, else the folder.
base::Result<Endpoint> find_endpoint(Context& context);
// Only a running engine; engine_not_found.
base::Result<Remote> find_engine(Context& context);

}  // namespace telltale::cli
