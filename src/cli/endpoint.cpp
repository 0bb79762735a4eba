#include "cli/endpoint.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/engine_file.h"
#include "app/offline.h"

namespace telltale::cli {

namespace {

constexpr std::int64_t probe_timeout_ns = 2 * base::nanos_per_second;

std::string member(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

base::ErrorCode code_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(base::error_code_table); ++i) {
    if (base::error_code_table[i].name == name) return static_cast<base::ErrorCode>(i);
  }
  return base::ErrorCode::internal;
}

// Nobody answered.
bool is_silence(base::ErrorCode code) {
  return code == base::ErrorCode::connection_failed || code == base::ErrorCode::connection_lost || code == base::ErrorCode::timeout ||
         code == base::ErrorCode::tls_failed;
}

// The error that a problem document stands for.
base::Error error_of(const net::Response& response) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(response.body, failed);
  if (failed || !value.is_object()) {
    return {base::ErrorCode::internal, fmt::format("the engine answered with status {}", response.status), {}};
  }
  const auto& object = value.as_object();
  const std::string type = member(object, "type");
  const auto name = type.substr(type.rfind(':') + 1);
  std::string cause = member(object, "detail");
  if (cause.empty()) cause = member(object, "title");
  return {code_named(name), std::move(cause), member(object, "remedy")};
}

// An answer, or the error that it stands for.
base::Result<net::Response> checked(base::Result<net::Response> response) {
  if (response && response->status >= 400) return std::unexpected(error_of(*response));
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
