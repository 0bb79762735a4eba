#include "query/lang/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::query {
namespace {

constexpr std::size_t shown_before = 60;
constexpr std::size_t shown_after = 40;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t number = 1;
};

Line line_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  Line line;
  line.begin = newline == std::string_view::npos ? 0 : newline + 1;
  line.end = std::min(text.find('\n', offset), text.size());
  line.number = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  return line;
}

std::string shown(std::string_view text) {
  std::string out = base::to_valid_utf8(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20u || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

std::string place_name(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const Line line = line_of(text, offset);
  const std::size_t column = 1 + count_characters(text.substr(line.begin, offset - line.begin));
  if (text.find('\n') == std::string_view::npos) return fmt::format("column {}", column);
  return fmt::format("line {}, column {}", line.number, column);
}

std::string caret_lines(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const Line line = line_of(text, offset);
  std::size_t begin = std::max(line.begin, offset > shown_before ? offset - shown_before : 0);
  std::size_t end = std::min(line.end, offset + shown_after);
  while (begin > line.begin && continues_character(text[begin])) --begin;
  while (end < line.end && continues_character(text[end])) ++end;
  const std::string before = (begin > line.begin ? "…" : "") + shown(text.substr(begin, offset - begin));
  const std::string after = shown(text.substr(offset, end - offset)) + (end < line.end ? "…" : "");
  return fmt::format("  {}{}\n  {}^", before, after, std::string(count_characters(before), ' '));
}

base::Error error_at(base::ErrorCode code, std::string_view text, std::size_t offset, std::string_view what, std::string_view remedy) {
  const std::string_view sentence = remedy.empty() ? base::info_of(code).remedy : remedy;
  return {code, fmt::format("{}: {}", place_name(text, offset), what), fmt::format("{}\n{}", sentence, caret_lines(text, offset))};
}

}  // namespace telltale::query
