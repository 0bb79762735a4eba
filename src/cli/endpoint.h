// Where a command finds what it asks: a running engine, or the data folder itself, read by the engine's own code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/context.h"
#include "net/http/client.h"

namespace telltale::cli {

// One thread.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // The answer to GET of a path with query; problems become errors with their code, cause and remedy.
  virtual base::Result<net::Response> get(const std::string& target, std::int64_t timeout_ns) = 0;
};

// A running engine, asked over one connection.
class Remote final : public Endpoint {
 public:
  // `url`: of its root. An empty token is not sent.
  Remote(net::Url url, std::string token);

  base::Result<net::Response> get(const std::string& target, std::int64_t timeout_ns) override;
  base::Result<net::Response> post(const std::string& target, std::string_view body, std::int64_t timeout_ns);
  const net::Url& url() const { return url_; }
  net::Headers headers() const;

 private:
  base::Result<net::Response> ask(std::string_view method, const std::string& target, std::string_view body, std::int64_t timeout_ns);

  const net::Url url_;
  const std::string token_;
  const std::unique_ptr<net::HttpClient> client_;
};

// The engine named by --url or TELLTALE_URL (it must answer), else the one of DATA/engine.json if it answers, else the folder.
base::Result<std::unique_ptr<Endpoint>> find_endpoint(Context& context);
// Only a running engine; engine_not_found.
base::Result<std::unique_ptr<Remote>> find_engine(Context& context);

}  // namespace telltale::cli
