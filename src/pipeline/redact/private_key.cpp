#include "pipeline/redact/private_key.h"

#include <algorithm>

namespace telltale::pipeline {
namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::string_view key_words = "PRIVATE KEY";
constexpr std::size_t longest_border = 72;  // with "ENCRYPTED", "OPENSSH", "PGP ... BLOCK"
constexpr std::size_t surely_key = 16;      // so long a word of base64 at a line's end is taken for a part of the key
constexpr std::uint16_t most_lines = 500;
constexpr std::uint16_t most_foreign_lines = 5;

bool is_material(char c) {
  return in_chars(Chars::base64, c) || c == '=';
}

// The end of the marker "-----BEGIN X PRIVATE KEY[ BLOCK]-----" that begins at `at`, or 0.
std::size_t marker_end(std::string_view line, std::size_t at) {
  const std::string_view marker = line.substr(at, longest_border);
  const std::size_t words = marker.find(key_words);
  if (words == std::string_view::npos) return 0;
  const std::size_t close = marker.find(dashes, words + key_words.size());
  return close == std::string_view::npos ? 0 : at + close + dashes.size();
}

std::size_t closing_quote(std::string_view line, std::size_t at, std::size_t end) {
  std::size_t quote = line.substr(0, end).find('"', at);
  if (quote == std::string_view::npos) return quote;
  while (quote > at && line[quote - 1] == '\\') --quote;
  return quote;
}

// Lines of a key's block that hold no secret: empty ones and headers (RFC 1421, RFC 4880).
bool is_between(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  for (const std::string_view header : {"Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:"}) {
    if (line.find(header) != std::string_view::npos) return true;
  }
  return false;
}

std::size_t line_start(std::string_view text, std::size_t at) {
  const std::size_t end = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

void add(std::vector<SecretSpan>& spans, std::size_t begin, std::size_t end, RuleIndex rule) {
  if (begin < end) spans.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), rule, 0});
}

}  // namespace

void find_private_keys(std::string_view line, RuleIndex rule, RedactState& state, std::vector<SecretSpan>& spans) {
  std::size_t at = 0;
  while ((at = line.find(begin_mark, at)) != std::string_view::npos) {
    const std::size_t begin = at;
    const std::size_t body = marker_end(line, at);
    at += begin_mark.size();
    if (body == 0) continue;
    const std::size_t foot = line.find(end_mark, body);
    const std::size_t end = foot == std::string_view::npos ? 0 : marker_end(line, foot);
    const std::size_t quote = closing_quote(line, body, end == 0 ? line.size() : end);
    if (end != 0 && end <= quote) {
      add(spans, begin, end, rule);
    } else if (quote != std::string_view::npos) {
      add(spans, begin, quote, rule);
    } else {
      add(spans, begin, line.size(), rule);
      state = {true, 0, 0, static_cast<std::uint32_t>(begin - line_start(line, begin))};
      return;
    }
    at = spans.back().end;
  }
}

namespace {

// One source line; `at` is its place in the record's text.
void continue_in_line(std::string_view line, std::size_t at, RuleIndex rule, RedactState& state, std::vector<SecretSpan>& spans) {
  const std::size_t foot = line.find(end_mark);
  std::size_t end = foot == std::string_view::npos ? line.size() : foot;
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t' || line[end - 1] == '\r' || line[end - 1] == '\\')) --end;
  std::size_t begin = end;
  while (begin > 0 && is_material(line[begin - 1])) --begin;
  const std::size_t size = end - begin;
  const bool whole = line.substr(0, begin).find_first_not_of(" \t") == std::string_view::npos;
  const bool material = size > 0 && (size >= surely_key || whole || begin == state.column || line[end - 1] == '=');
  if (material) add(spans, at + begin, at + end, rule);
  if (foot != std::string_view::npos) {
    state = {};
    return;
  }
  if (!material && !is_between(line)) ++state.foreign_lines;
  if (material) state.foreign_lines = 0;
  if (++state.key_lines >= most_lines || state.foreign_lines >= most_foreign_lines) state = {};
}

}  // namespace

void continue_private_key(std::string_view line, RuleIndex rule, RedactState& state, std::vector<SecretSpan>& spans) {
  for (std::size_t at = 0; at <= line.size() && state.in_private_key;) {
    const std::size_t end = std::min(line.find('\n', at), line.size());
    continue_in_line(line.substr(at, end - at), at, rule, state, spans);
    at = end + 1;
  }
}

}  // namespace telltale::pipeline
