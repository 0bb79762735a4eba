#include "app/answer.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"
#include "net/http/client.h"

namespace telltale::app {

namespace {

base::ErrorCode code_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(base::error_code_table); ++i) {
    if (base::error_code_table[i].name == name) return static_cast<base::ErrorCode>(i);
  }
  return base::ErrorCode::internal;
}

}  // namespace

base::Error error_of(const net::Response& response) {
  const auto problem = object_of(response);
  if (!problem) return {base::ErrorCode::internal, fmt::format("the engine answered with status {}", response.status), {}};
  const std::string_view type = text_of(*problem, "type");
  const std::string_view detail = text_of(*problem, "detail");
  return {code_named(type.substr(type.rfind(':') + 1)), std::string(detail.empty() ? text_of(*problem, "title") : detail),
          std::string(text_of(*problem, "remedy"))};
}

base::Result<boost::json::object> object_of(const net::Response& response) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(response.body, error);
  if (!error && value.is_object()) return std::move(value.get_object());
  return base::fail(base::ErrorCode::internal, "the engine's answer is no JSON object");
}

std::string_view text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  const auto& text = value->get_string();
  return {text.data(), text.size()};
}

double number_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::uint64_t count_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

bool flag_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const boost::json::object& object_of(const boost::json::object& object, std::string_view key) {
  static const boost::json::object none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const boost::json::array& array_of(const boost::json::object& object, std::string_view key) {
  static const boost::json::array none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string_view header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (base::equals_ignoring_case(key, name)) return value;
  }
  return {};
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target.append(name).append("=").append(net::url_encode(value));
}

}  // namespace telltale::app
