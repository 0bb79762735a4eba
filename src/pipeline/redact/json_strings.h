// Walks over the strings of a JSON text that may be invalid or cut off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telltale::pipeline {

// The inside of one string.
struct JsonString {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool escaped = false;  // holds a backslash
};

// The first string that begins at `at` or later.
std::optional<JsonString> next_json_string(std::string_view text, std::size_t at);
// Unescapes into `out`; what is no valid escape stays as it is.
void unescape_json(std::string_view raw, std::string& out);

}  // namespace telltale::pipeline
