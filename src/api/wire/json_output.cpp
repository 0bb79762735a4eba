#include "api/wire/json_output.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::api {

JsonObject::JsonObject(std::string& out) : out_(out) {
  out_ += '{';
}

std::string& JsonObject::key(std::string_view name) {
  if (!empty_) out_ += ',';
  empty_ = false;
  base::append_json_string(out_, name);
  out_ += ':';
  return out_;
}

void JsonObject::text(std::string_view name, std::string_view value) {
  base::append_json_string(key(name), value);
}

void JsonObject::text_or_null(std::string_view name, std::string_view value) {
  if (!value.empty()) return text(name, value);
  key(name) += "null";
}

void JsonObject::boolean(std::string_view name, bool value) {
  key(name) += value ? "true" : "false";
}

void JsonObject::number_or_null(std::string_view name, std::optional<std::int64_t> value) {
  if (value) return number(name, *value);
  key(name) += "null";
}

void JsonObject::time(std::string_view name, base::UnixNanos value) {
  key(name) += '"';
  base::append_rfc3339(out_, value);
  out_ += '"';
}

void JsonObject::time_or_null(std::string_view name, std::optional<base::UnixNanos> value) {
  if (value) return time(name, *value);
  key(name) += "null";
}

void JsonObject::milliseconds(std::string_view name, std::int64_t nanos) {
  const std::int64_t whole = nanos / base::nanos_per_millisecond;
  const std::int64_t rest = std::abs(nanos % base::nanos_per_millisecond);
  std::string text = fmt::format("{}{}", nanos < 0 && whole == 0 ? "-" : "", whole);
  if (rest != 0) {
    text += fmt::format(".{:06}", rest);
    text.erase(text.find_last_not_of('0') + 1);
  }
  key(name) += text;
}

}  // namespace telltale::api
