// One compact JSON object, member by member.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace telltale::api {

// Appends to `out`, which outlives it; end() closes the object. Members of members: key(), then another JsonObject or text of one's own.
class JsonObject {
 public:
  explicit JsonObject(std::string& out);

  // The member's name; its value is appended to out() by the caller.
  std::string& key(std::string_view name);
  std::string& out() { return out_; }
  void text(std::string_view name, std::string_view value);
  // null for an empty text.
  void text_or_null(std::string_view name, std::string_view value);
  void boolean(std::string_view name, bool value);
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)
  void number(std::string_view name, Integer value) {
    key(name) += std::to_string(value);
  }
  void number_or_null(std::string_view name, std::optional<std::int64_t> value);
  // RFC 3339 with nanoseconds.
  void time(std::string_view name, base::UnixNanos value);
  void time_or_null(std::string_view name, std::optional<base::UnixNanos> value);
  // Milliseconds with as many digits as there are, at most six behind the point.
  void milliseconds(std::string_view name, std::int64_t nanos);
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool empty_ = true;
};

// Appends [a,b,…]: `append(item)` appends each.
template <class Items, class Append>
void append_json_array(std::string& out, const Items& items, Append append) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
  out += ']';
}

}  // namespace telltale::api
