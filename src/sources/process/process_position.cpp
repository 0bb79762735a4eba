#include "sources/process/process_position.h"

#include <charconv>

#include <fmt/format.h>

namespace telltale::sources {

namespace {

// The text up to the next space; empty at the end.
std::string_view take_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string process_position_key(std::string_view key) {
  return std::string(process_key_prefix) + std::string(key);
}

std::string encode_process_position(const ProcessPosition& position) {
  return fmt::format("1 {} {} {}", position.at.offset, position.at.line, position.stream.hex());
}

std::optional<ProcessPosition> decode_process_position(std::string_view value) {
  ProcessPosition position;
  if (take_field(value) != "1" || !read_number(take_field(value), position.at.offset) ||
      !read_number(take_field(value), position.at.line) || !base::Hash128::parse(take_field(value), position.stream) || !value.empty()) {
    return std::nullopt;
  }
  return position;
}

}  // namespace telltale::sources
