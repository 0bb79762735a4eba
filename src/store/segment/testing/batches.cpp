#include "store/segment/testing/batches.h"

#include <bit>

namespace telltale::store::testing {

using record::Attribute;
using record::AttributeType;
using record::Batch;
using record::Record;
using record::TextRef;

std::string BatchMaker::words(std::size_t size) {
  std::string out;
  while (out.size() < size) out += static_cast<char>(below(20) == 0 ? below(256) : 'a' + below(26));
  return out;
}

TextRef BatchMaker::part_of(TextRef whole) {
  if (whole.empty()) return {};
  const auto begin = static_cast<std::uint32_t>(below(whole.size));
  return {whole.offset + begin, static_cast<std::uint32_t>(below(whole.size - begin + 1))};
}

TextRef BatchMaker::any_ref(Batch& batch, const Record& record) {
  switch (below(6)) {
    case 0:
      return {};
    case 1: {
      const std::string piece = words(below(40));
      last_outside_ = {static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(piece.size())};
      batch.text += piece;
      return last_outside_;
    }
    case 2:
      return part_of(last_outside_);
    default:
      return part_of(record.line);
  }
}

void BatchMaker::add_attributes(Batch& batch, Record& record) {
  record.first_attribute = static_cast<std::uint32_t>(batch.attributes.size());
  record.attribute_count = static_cast<std::uint32_t>(below(4) == 0 ? below(12) : 0);
  for (std::uint32_t i = 0; i < record.attribute_count; ++i) {
    Attribute attribute;
    attribute.type = static_cast<AttributeType>(below(6));
    attribute.key = any_ref(batch, record);
    attribute.text = any_ref(batch, record);
    if (attribute.type == AttributeType::integer) attribute.integer = static_cast<std::int64_t>(random_());
    if (attribute.type == AttributeType::boolean) attribute.integer = static_cast<std::int64_t>(below(2));
    if (attribute.type == AttributeType::real) attribute.real = std::bit_cast<double>(random_());
    batch.attributes.push_back(attribute);
  }
}

void BatchMaker::add_findings(Batch& batch, Record& record) {
  record.first_finding = static_cast<std::uint32_t>(batch.findings.size());
  record.finding_count = static_cast<std::uint16_t>(below(5) == 0 ? below(4) : 0);
  for (int i = 0; i < record.finding_count; ++i) {
    const TextRef part = part_of({0, record.line.size});
    const auto rule = static_cast<std::uint16_t>(below(batch.rule_names.size()));
    batch.findings.push_back({part.offset, part.size, rule, static_cast<record::FindingKind>(below(3))});
  }
}

void BatchMaker::add_record(Batch& batch) {
  Record record;
  const std::string line = words(below(10) == 0 ? below(2000) : below(150));
  record.line = {static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(line.size())};
  batch.text += line;
  batch.text += '\n';
  const bool same_time = !batch.records.empty() && below(2) == 0;
  record.observed_time = same_time ? batch.records.back().observed_time : static_cast<base::UnixNanos>(random_());
  if (below(2) == 0) {
    record.resolution = static_cast<record::TimeResolution>(1 + below(6));
    record.event_time = static_cast<base::UnixNanos>(random_());
  }
  record.body = below(2) == 0 ? record.line : any_ref(batch, record);
  record.severity_text = any_ref(batch, record);
  record.trace_id = any_ref(batch, record);
  record.span_id = any_ref(batch, record);
  record.test_id = any_ref(batch, record);
  record.severity = static_cast<record::Severity>(below(25));
  record.flags = static_cast<std::uint16_t>(below(2) == 0 ? random_() : 0);
  record.source_lines = static_cast<std::uint32_t>(below(3) == 0 ? random_() : 1);
  add_attributes(batch, record);
  add_findings(batch, record);
  batch.records.push_back(record);
}

Batch BatchMaker::make(record::StreamRef stream, std::size_t records) {
  Batch batch;
  batch.stream = std::move(stream);
  batch.text = words(below(10));  // no record refers to it
  last_outside_ = {};
  for (std::uint64_t i = 0, count = 1 + below(5); i < count; ++i) batch.rule_names.push_back("rule-" + std::to_string(i));
  for (std::size_t i = 0; i < records; ++i) add_record(batch);
  batch.first_source_line = random_();
  if (records > 0 && below(2) == 0) batch.written_after = static_cast<base::UnixNanos>(random_());
  if (below(2) == 0) batch.raw = record::RawRange{random_(), random_(), {random_(), random_()}};
  if (below(2) == 0) batch.position = record::Position{words(below(20)), words(below(200))};
  return batch;
}

namespace {

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::string difference_of_attributes(const Batch& a, const Record& ra, const Batch& b, const Record& rb) {
  const auto left = a.attributes_of(ra);
  const auto right = b.attributes_of(rb);
  if (left.size() != right.size()) return "number of attributes";
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].type != right[i].type) return "type of an attribute";
    if (a.view(left[i].key) != b.view(right[i].key)) return "key of an attribute";
    if (a.view(left[i].text) != b.view(right[i].text)) return "text of an attribute";
    if (left[i].integer != right[i].integer || !same_bits(left[i].real, right[i].real)) return "value of an attribute";
  }
  return {};
}

std::string difference_of_findings(const Batch& a, const Record& ra, const Batch& b, const Record& rb) {
  const auto left = a.findings_of(ra);
  const auto right = b.findings_of(rb);
  if (left.size() != right.size()) return "number of findings";
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].begin != right[i].begin || left[i].size != right[i].size || left[i].kind != right[i].kind) return "place of a finding";
    if (a.rule_names[left[i].rule] != b.rule_names[right[i].rule]) return "rule of a finding";
  }
  return {};
}

std::string difference_of_records(const Batch& a, const Record& ra, const Batch& b, const Record& rb) {
  if (a.line(ra) != b.line(rb)) return "line";
  if (a.body(ra) != b.body(rb)) return "body";
  if (a.view(ra.severity_text) != b.view(rb.severity_text)) return "severity text";
  if (a.view(ra.trace_id) != b.view(rb.trace_id) || a.view(ra.span_id) != b.view(rb.span_id)) return "trace";
  if (a.view(ra.test_id) != b.view(rb.test_id)) return "test id";
  if (ra.observed_time != rb.observed_time || ra.event_time != rb.event_time || ra.resolution != rb.resolution) return "time";
  if (ra.severity != rb.severity || ra.flags != rb.flags || ra.source_lines != rb.source_lines) return "severity, flags or source lines";
  if (auto text = difference_of_attributes(a, ra, b, rb); !text.empty()) return text;
  return difference_of_findings(a, ra, b, rb);
}

}  // namespace

std::string difference(const Batch& a, const Batch& b) {
  if ((a.stream == nullptr) != (b.stream == nullptr) || (a.stream && a.stream->id != b.stream->id)) return "stream";
  if (a.records.size() != b.records.size()) return "number of records";
  if (a.first_source_line != b.first_source_line) return "first source line";
  if (a.position != b.position) return "position";
  if (a.written_after != b.written_after) return "written after";
  if (a.raw.has_value() != b.raw.has_value()) return "raw range";
  if (a.raw && (a.raw->from != b.raw->from || a.raw->to != b.raw->to || a.raw->hash != b.raw->hash)) return "raw range";
  for (std::size_t i = 0; i < a.records.size(); ++i) {
    const std::string text = difference_of_records(a, a.records[i], b, b.records[i]);
    if (!text.empty()) return "record " + std::to_string(i) + ": " + text;
  }
  return {};
}

}  // namespace telltale::store::testing
