// Everything of text.h that reads text from outside, with the laws that hold for any input.
#include <cstdint>

#include "base/assert.h"
#include "base/text.h"

using namespace telltale::base;

namespace {

void check_time(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) TT_ASSERT(parse_rfc3339(format_rfc3339(*time)) == time, "a time survives being written");
}

void check_quantities(std::string_view text) {
  if (const auto duration = parse_duration(text)) {
    const auto again = parse_duration(format_duration(*duration));
    TT_ASSERT(*duration >= 0 && again && *again == *duration, "a duration survives being written");
  }
  if (const auto bytes = parse_bytes(text)) {
    const auto again = parse_bytes(format_bytes(*bytes));
    TT_ASSERT(again && *again == *bytes, "a size survives being written");
  }
}

void check_base64(std::string_view text) {
  const auto back = base64url_decode(base64url_encode(text));
  TT_ASSERT(back && *back == text, "bytes survive being encoded");
  if (const auto bytes = base64url_decode(text)) {
    const std::string canonical = base64url_encode(*bytes);
    TT_ASSERT(text.substr(0, canonical.size()) == canonical, "only the canonical text is read");
  }
}

void check_escapes(std::string_view text) {
  TT_ASSERT(is_valid_utf8(to_valid_utf8(text)), "what was made valid is valid");
  TT_ASSERT(!is_valid_utf8(text) || to_valid_utf8(text) == text, "valid text stays as it is");
  std::string json;
  append_json_string(json, text);
  TT_ASSERT(is_valid_utf8(json), "JSON is valid UTF-8");
  for (const char byte : json) TT_ASSERT(static_cast<unsigned char>(byte) >= 0x20, "JSON has no bare control characters");
  const std::string printable = to_printable(text);
  TT_ASSERT(is_valid_utf8(printable) && to_printable(printable) == printable, "printable text stays as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_time(text);
  check_quantities(text);
  check_base64(text);
  check_escapes(text);
  return 0;
}
