#include "pipeline/parse/parser.h"

#include <algorithm>

#include "pipeline/parse/buffers.h"
#include "pipeline/parse/line_formats.h"

namespace telltale::pipeline {

using record::Batch;
using record::Record;
using record::TextRef;

namespace {

// A line in a line in a line: Docker's file holding CRI holding JSON is the deepest that occurs.
constexpr int max_wraps = 3;

LineResult parse_region(RecordFields& fields, TextRef region, ParserScratch::Buffers& buffers) {
  const std::string_view text = fields.view(region);
  if (text.empty()) return {ParseOutcome::parsed};
  if (text[0] == '{') {
    const LineResult result = parse_json(fields, region, buffers);
    if (result.outcome != ParseOutcome::other) return result;
  } else if (begins_with_pair(text)) {
    const LineResult result = parse_logfmt(fields, region);
    if (result.outcome != ParseOutcome::other) return result;
  }
  return parse_plain(fields, region);
}

// Of a joined record the first line is what has a format; JSON over several lines is read whole.
TextRef formatted_part(const Batch& batch, const Record& record) {
  if (!record.has(record::flag_joined)) return record.line;
  const std::string_view line = batch.line(record);
  if (line.starts_with('{')) return record.line;
  return {record.line.offset, static_cast<std::uint32_t>(std::min(line.find('\n'), line.size()))};
}

}  // namespace

ParserScratch::ParserScratch() : buffers_(std::make_unique<Buffers>()) {}
ParserScratch::~ParserScratch() = default;

void Parser::parse(Batch& batch) {
  if (batch.records.empty()) return;
  batch.attributes.reserve(batch.records.size() * attributes_per_record_);
  for (Record& record : batch.records) parse_record(batch, record);
  attributes_per_record_ = static_cast<std::uint32_t>(batch.attributes.size() / batch.records.size()) + 1;
}

void Parser::parse_line(Batch& batch, Record& record) {
  parse_record(batch, record);
}

void Parser::parse_record(Batch& batch, Record& record) {
  RecordFields fields(batch, record, options_.zone_offset_seconds, keys_);
  const TextRef region = formatted_part(batch, record);
  fields.set_body(region);
  LineResult result = parse_region(fields, region, scratch_->buffers());
  for (int wraps = 0; result.outcome == ParseOutcome::wrapped && wraps < max_wraps; ++wraps) {
    fields.enter_inner_line();
    fields.set_body(result.inner);
    result = parse_region(fields, result.inner, scratch_->buffers());
  }
  fields.finish();
}

}  // namespace telltale::pipeline
