// What holds of every parsed batch, whatever the bytes were; for fuzz targets and tests.
#pragma once

#include <cstdlib>

#include "pipeline/frame/line_splitter.h"
#include "pipeline/parse/parser.h"

namespace telltale::pipeline {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline void check_ref(const record::Batch& batch, record::TextRef ref) {
  require(std::size_t{ref.offset} + ref.size <= batch.text.size());
}

inline void check_record(const record::Batch& batch, const record::Record& record) {
  for (const record::TextRef ref : {record.line, record.body, record.severity_text, record.trace_id, record.span_id, record.test_id})
    check_ref(batch, ref);
  require(record.trace_id.size == 0 || record.trace_id.size == 32);
  require(record.span_id.size == 0 || record.span_id.size == 16);
  require(std::size_t{record.first_attribute} + record.attribute_count <= batch.attributes.size());
  for (const record::Attribute& attribute : batch.attributes_of(record)) {
    check_ref(batch, attribute.key);
    check_ref(batch, attribute.text);
  }
}

inline void check_equal(const record::Batch& a, const record::Record& x, const record::Batch& b, const record::Record& y) {
  require(a.line(x) == b.line(y) && a.body(x) == b.body(y) && x.flags == y.flags && x.severity == y.severity);
  require(x.event_time == y.event_time && x.resolution == y.resolution && x.attribute_count == y.attribute_count);
  require(a.view(x.trace_id) == b.view(y.trace_id) && a.view(x.test_id) == b.view(y.test_id));
  for (std::uint32_t i = 0; i < x.attribute_count; ++i) {
    const record::Attribute& left = a.attributes_of(x)[i];
    const record::Attribute& right = b.attributes_of(y)[i];
    require(a.view(left.key) == b.view(right.key) && a.view(left.text) == b.view(right.text) && left.type == right.type);
  }
}

// Frames and parses `bytes`: every line is kept, every view lies in the text, and parsing any record again gives the same.
inline record::Batch parse_checked(std::string_view bytes) {
  record::RawBlock block;
  block.bytes = bytes;
  block.observed_time = 1'711'022'400 * base::nanos_per_second;
  ParserScratch scratch;
  Parser parser(scratch);
  record::Batch batch = LineSplitter::split(std::move(block));
  parser.parse(batch);
  require(std::string_view(batch.text).starts_with(bytes));
  std::size_t end = 0;
  for (const record::Record& record : batch.records) {
    check_record(batch, record);
    require(record.line.offset >= end);
    end = record.line.end();
  }
  record::Batch again = batch;
  for (record::Record& record : again.records) parser.parse_line(again, record);
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    check_record(again, again.records[i]);
    check_equal(batch, batch.records[i], again, again.records[i]);
  }
  return batch;
}

}  // namespace telltale::pipeline
