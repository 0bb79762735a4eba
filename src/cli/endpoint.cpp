#include "cli/endpoint.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/engine_file.h"

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

base::Result<Remote> named_engine(Context& context, const std::string& text) {
  auto url = net::parse_url(text);
  if (!url) return base::pass(url);
  return Remote{*url, context.environment("TELLTALE_TOKEN").value_or("")};
}

// The engine of the data folder, when it answers.
base::Result<std::optional<Remote>> engine_of_folder(Context& context, const std::string& folder) {
  auto engine = app::read_engine_file(context.files, folder);
  if (!engine) return base::pass(engine);
  if (!*engine) return std::optional<Remote>();
  auto url = net::parse_url((*engine)->url);
  if (!url) return base::pass(url);
  Remote remote{*url, context.environment("TELLTALE_TOKEN").value_or((*engine)->token)};
  net::Url health = *url;
  health.target = "/health";
  const auto answer = net::http_request(health, "GET", {}, "", probe_timeout_ns);
  if (!answer) return std::optional<Remote>();  // the file outlived its engine
  return std::optional<Remote>(std::move(remote));
}

std::optional<std::string> named_url(Context& context) {
  return context.options.url ? context.options.url : context.environment("TELLTALE_URL");
}

}  // namespace

net::Headers Remote::headers() const {
  if (token.empty()) return {};
  return {{"authorization", "Bearer " + token}};
}

base::Result<net::Response> Remote::get(const std::string& target, std::int64_t timeout_ns) const {
  net::Url full = url;
  full.target = target;
  auto response = net::http_request(full, "GET", headers(), "", timeout_ns);
  if (!response) return response;
  if (response->status >= 400) return std::unexpected(error_of(*response));
  return response;
}

base::Result<Endpoint> find_endpoint(Context& context) {
  if (const auto text = named_url(context)) {
    auto remote = named_engine(context, *text);
    if (!remote) return base::pass(remote);
    return Endpoint(std::move(*remote));
  }
  auto loaded = context.load_config();
  if (!loaded) return base::pass(loaded);
  const std::string& folder = loaded->config.store.data;
  auto remote = engine_of_folder(context, folder);
  if (!remote) return base::pass(remote);
  if (*remote) return Endpoint(std::move(**remote));
  auto reader = store::open_read_only(context.files, folder);
  if (!reader) return base::pass(reader);
  return Endpoint(std::move(*reader));
}

base::Result<Remote> find_engine(Context& context) {
  if (const auto text = named_url(context)) return named_engine(context, *text);
  auto loaded = context.load_config();
  if (!loaded) return base::pass(loaded);
  auto remote = engine_of_folder(context, loaded->config.store.data);
  if (!remote) return base::pass(remote);
  if (*remote) return std::move(**remote);
  return base::fail(base::ErrorCode::engine_not_found, fmt::format("no engine runs with the data folder {}", loaded->config.store.data));
}

}  // namespace telltale::cli
