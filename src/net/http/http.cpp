#include "net/http/http.h"

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::net {

std::string_view Request::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Response problem(const base::Error& error) {
  const base::ErrorCodeInfo& info = base::info_of(error.code);
  Response response;
  response.status = info.http_status;
  response.content_type = "application/problem+json";
  std::string& out = response.body;
  out = fmt::format(R"({{"type":"urn:telltale:error:{}","title":)", info.name);
  base::append_json_string(out, info.title);
  out += fmt::format(R"(,"status":{},"detail":)", info.http_status);
  base::append_json_string(out, error.cause.empty() ? info.title : std::string_view(error.cause));
  out += R"(,"remedy":)";
  base::append_json_string(out, error.remedy_text());
  out += "}\n";
  return response;
}

}  // namespace telltale::net
