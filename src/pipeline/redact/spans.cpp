#include "pipeline/redact/spans.h"

#include <algorithm>

namespace telltale::pipeline {
namespace {

bool inside_marker(std::string_view line, const SecretSpan& span) {
  const std::size_t from = span.begin > longest_marker ? span.begin - longest_marker : 0;
  const std::size_t at = line.substr(from, span.begin + marker_begin.size() - from).rfind(marker_begin);
  if (at == std::string_view::npos) return false;
  return span.begin >= from + at && span.end <= from + at + marker_size(line.substr(from + at));
}

}  // namespace

void merge_spans(std::string_view line, std::vector<SecretSpan>& spans) {
  if (spans.empty()) return;
  std::erase_if(spans, [&](const SecretSpan& span) { return inside_marker(line, span); });
  std::ranges::sort(spans, [](const SecretSpan& a, const SecretSpan& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    if (a.end != b.end) return a.end > b.end;
    return a.rule < b.rule;
  });
  std::size_t kept = 0;
  for (const SecretSpan& span : spans) {
    if (kept > 0 && span.begin < spans[kept - 1].end) {
      SecretSpan& last = spans[kept - 1];
      last.end = std::max(last.end, span.end);
      if (span.begin == last.begin) last.quotes = std::max(last.quotes, span.quotes);
    } else {
      spans[kept++] = span;
    }
  }
  spans.resize(kept);
}

void append_marker(std::string& out, std::string_view rule, std::uint8_t quotes) {
  const auto quote = [&] {
    if (quotes == 0) return;
    out.append(static_cast<std::size_t>(quotes - 1), '\\');
    out += '"';
  };
  quote();
  out += marker_begin;
  out += rule;
  out += ']';
  quote();
}

bool bare_json_number(std::string_view line, std::size_t begin, std::size_t end) {
  while (begin > 0 && (line[begin - 1] == ' ' || line[begin - 1] == '\t')) --begin;
  if (begin < 2 || line[begin - 1] != ':') return false;
  --begin;
  while (begin > 0 && (line[begin - 1] == ' ' || line[begin - 1] == '\t')) --begin;
  if (begin == 0 || line[begin - 1] != '"' || (begin >= 2 && line[begin - 2] == '\\')) return false;
  while (end < line.size() && (line[end] == ' ' || line[end] == '\t')) ++end;
  return end < line.size() && (line[end] == ',' || line[end] == '}');
}

}  // namespace telltale::pipeline
