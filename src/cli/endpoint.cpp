#include "cli/endpoint.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "app/engine_file.h"
#include "app/offline.h"

namespace telltale::cli {

namespace {

constexpr std::int64_t probe_timeout_ns = 2 * base::nanos_per_second;

// Nobody answered.
bool is_silence(base::ErrorCode code) {
  return code == base::ErrorCode::connection_failed || code == base::ErrorCode::connection_lost || code == base::ErrorCode::timeout ||
         code == base::ErrorCode::tls_failed;
}

// An answer, or the error that it stands for.
base::Result<net::Response> checked(base::Result<net::Response> response) {
  if (response && response->status >= 400) return std::unexpected(app::error_of(*response));
  return response;
}

using RemoteRef = std::unique_ptr<Remote>;

base::Result<RemoteRef> named_engine(Context& context, const std::string& text) {
  auto url = net::parse_url(text);
  if (!url) return base::pass(url);
  return std::make_unique<Remote>(*std::move(url), context.environment("TELLTALE_TOKEN").value_or(""));
}

// The engine of the data folder, when it answers; else null.
base::Result<RemoteRef> engine_of_folder(Context& context, const std::string& folder) {
  auto engine = app::read_engine_file(context.files, folder);
  if (!engine) return base::pass(engine);
  if (!*engine) return RemoteRef();
  auto url = net::parse_url((*engine)->url);
  if (!url) return base::pass(url);
  auto remote = std::make_unique<Remote>(*std::move(url), context.environment("TELLTALE_TOKEN").value_or((*engine)->token));
  const auto answer = remote->get("/health", probe_timeout_ns);
  // An error that it told (its disk is full) is an answer too; without one the file outlived its engine.
  if (!answer && is_silence(answer.error().code)) return RemoteRef();
  return remote;
}

// The data folder without an engine.
class Folder final : public Endpoint {
 public:
  explicit Folder(std::unique_ptr<app::OfflineEngine> engine) : engine_(std::move(engine)) {}
  base::Result<net::Response> get(const std::string& target, std::int64_t) override { return checked(engine_->get(target)); }

 private:
  const std::unique_ptr<app::OfflineEngine> engine_;
};

std::optional<std::string> named_url(Context& context) {
  return context.options.url ? context.options.url : context.environment("TELLTALE_URL");
}

}  // namespace

Remote::Remote(net::Url url, std::string token) : url_(std::move(url)), token_(std::move(token)), client_(net::HttpClient::create(url_)) {}

net::Headers Remote::headers() const {
  if (token_.empty()) return {};
  return {{"authorization", "Bearer " + token_}};
}

base::Result<net::Response> Remote::get(const std::string& target, std::int64_t timeout_ns) {
  return ask("GET", target, {}, timeout_ns);
}

base::Result<net::Response> Remote::post(const std::string& target, std::string_view body, std::int64_t timeout_ns) {
  return ask("POST", target, body, timeout_ns);
}

base::Result<net::Response> Remote::ask(std::string_view method, const std::string& target, std::string_view body,
                                        std::int64_t timeout_ns) {
  return checked(client_->request(method, target, headers(), body, timeout_ns));
}

base::Result<std::unique_ptr<Endpoint>> find_endpoint(Context& context) {
  if (const auto text = named_url(context)) {
    auto remote = named_engine(context, *text);
    if (!remote) return base::pass(remote);
    return *std::move(remote);
  }
  auto loaded = context.load_config();
  if (!loaded) return base::pass(loaded);
  auto remote = engine_of_folder(context, loaded->config.store.data);
  if (!remote) return base::pass(remote);
  if (*remote != nullptr) return *std::move(remote);
  auto folder = app::OfflineEngine::open(loaded->config, context.files, context.clock);
  if (!folder) return base::pass(folder);
  return std::make_unique<Folder>(*std::move(folder));
}

base::Result<std::unique_ptr<Remote>> find_engine(Context& context) {
  if (const auto text = named_url(context)) return named_engine(context, *text);
  auto loaded = context.load_config();
  if (!loaded) return base::pass(loaded);
  auto remote = engine_of_folder(context, loaded->config.store.data);
  if (!remote) return base::pass(remote);
  if (*remote != nullptr) return *std::move(remote);
  return base::fail(base::ErrorCode::engine_not_found, fmt::format("no engine runs with the data folder {}", loaded->config.store.data));
}

}  // namespace telltale::cli
