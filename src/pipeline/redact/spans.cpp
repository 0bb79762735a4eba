#include "pipeline/redact/spans.h"

#include <algorithm>
#include <cstddef>

namespace telltale::pipeline {
namespace {

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The marker that has bytes on both sides of `at`; empty at `at` when there is none.
Range marker_around(std::string_view line, std::size_t at) {
  const std::size_t from = at > longest_marker ? at - longest_marker : 0;
  const std::size_t found = line.substr(from, at + marker_begin.size() - 1 - from).rfind(marker_begin);
  if (found == std::string_view::npos) return {at, at};
  const std::size_t begin = from + found;
  const std::size_t end = begin + marker_size(line.substr(begin));
  return begin < at && at < end ? Range{begin, end} : Range{at, at};
}

// A marker is taken out whole or stays whole: half of one would be no marker any more.
void keep_markers_whole(std::string_view line, SecretSpan& span) {
  span.begin = static_cast<std::uint32_t>(marker_around(line, span.begin).begin);
  span.end = static_cast<std::uint32_t>(marker_around(line, span.end).end);
}

bool is_marker(std::string_view line, const SecretSpan& span) {
  return span.end > span.begin && marker_size(line.substr(span.begin)) == span.end - span.begin;
}

}  // namespace

void merge_spans(std::string_view line, std::vector<SecretSpan>& spans) {
  if (spans.empty()) return;
  for (SecretSpan& span : spans) keep_markers_whole(line, span);
  std::erase_if(spans, [&](const SecretSpan& span) { return is_marker(line, span); });
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
