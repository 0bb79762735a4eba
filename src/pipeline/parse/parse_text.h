// For tests of parsing: one line in, its fields as text out.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"
#include "pipeline/frame/line_splitter.h"
#include "pipeline/parse/parser.h"

namespace telltale::pipeline {

// 2024-03-21T12:00:00Z
inline constexpr base::UnixNanos test_observed = 1'711'022'400 * base::nanos_per_second;

inline record::Batch frame_text(std::string_view text) {
  record::RawBlock block;
  block.bytes = text;
  block.observed_time = test_observed;
  return LineSplitter::split(std::move(block));
}

inline record::Batch parse_text(std::string_view text, ParserOptions options = {}) {
  ParserScratch scratch;
  Parser parser(scratch, options);
  record::Batch batch = frame_text(text);
  parser.parse(batch);
  return batch;
}

// "2024-03-21T10:30:00.123Z ms" with "?" when the zone was assumed and "!" when out of range; "-" without a time.
inline std::string time_text(const record::Record& record) {
  static constexpr const char* units[] = {"-", "ns", "us", "ms", "s", "min", "day"};
  if (!record.has_event_time()) return "-";
  std::string text = base::format_rfc3339(record.event_time, 9);
  while (text[text.size() - 2] == '0') text.erase(text.size() - 2, 1);
  if (text[text.size() - 2] == '.') text.erase(text.size() - 2, 1);
  text += ' ';
  text += units[static_cast<int>(record.resolution)];
  if (record.has(record::flag_zone_assumed)) text += '?';
  if (record.has(record::flag_time_out_of_range)) text += '!';
  return text;
}

inline std::string attributes_text(const record::Batch& batch, const record::Record& record) {
  static constexpr char letters[] = {'t', 'i', 'r', 'b', 'n', 'j'};
  std::string text;
  for (const record::Attribute& attribute : batch.attributes_of(record)) {
    if (!text.empty()) text += ' ';
    text += batch.view(attribute.key);
    text += ':';
    text += letters[static_cast<int>(attribute.type)];
    text += '=';
    text += batch.view(attribute.text);
  }
  return text;
}

inline std::string ids_text(const record::Batch& batch, const record::Record& record) {
  return std::string(batch.view(record.trace_id)) + "/" + std::string(batch.view(record.span_id)) + "/" +
         std::string(batch.view(record.test_id));
}

}  // namespace telltale::pipeline
