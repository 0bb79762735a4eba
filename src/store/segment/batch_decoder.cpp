#include <lz4.h>

#include <algorithm>

#include "store/segment/batch_codec.h"

namespace telltale::store {

using record::Attribute;
using record::AttributeType;
using record::Batch;
using record::Record;
using record::TextRef;

namespace {

// The fewest bytes that one of these takes: bounds what untrusted counts may make us allocate.
constexpr std::uint64_t smallest_row = 4;
constexpr std::uint64_t smallest_attribute = 3;
constexpr std::uint64_t smallest_finding = 4;
// LZ4 packs no byte into less than 1/255 (LZ4 block format: a length byte adds at most 255).
constexpr std::uint64_t highest_lz4_ratio = 255;

// What stands between the item's head and its block.
struct BlockHead {
  std::uint64_t lines_size = 0;
  std::uint64_t pieces_size = 0;
  std::uint64_t rows_size = 0;
  std::uint64_t attribute_count = 0;
  std::uint64_t finding_count = 0;

  std::uint64_t raw_size() const { return lines_size + pieces_size + rows_size; }
  bool plausible(std::uint64_t records) const {
    if (lines_size > max_payload_size || pieces_size > max_payload_size || rows_size > max_payload_size) return false;
    if (raw_size() > max_payload_size) return false;
    return records <= rows_size / smallest_row && attribute_count <= rows_size / smallest_attribute &&
           finding_count <= rows_size / smallest_finding;
  }
};

class RowDecoder {
 public:
  RowDecoder(std::string_view rows, const BlockHead& head, Batch& out) : rows_(rows), head_(head), out_(out) {}

  bool decode_all(std::uint32_t count) {
    out_.records.reserve(count);
    out_.attributes.reserve(head_.attribute_count);
    out_.findings.reserve(head_.finding_count);
    for (std::uint32_t i = 0; i < count; ++i) {
      read_record();
      if (rows_.failed()) return false;
    }
    return rows_.left() == 0 && line_end_ == head_.lines_size && pieces_end_ == head_.pieces_size &&
           out_.attributes.size() == head_.attribute_count && out_.findings.size() == head_.finding_count;
  }

 private:
  TextRef fail_ref() {
    rows_.fail();
    return {};
  }

  TextRef read_ref(TextRef line) {
    const std::uint64_t size = rows_.varint();
    if (size == 0) return {};
    const std::uint64_t code = rows_.varint();
    if (code >= 2) {
      const std::uint64_t offset = code - 2;
      if (offset > line.size || size > line.size - offset) return fail_ref();
      return {static_cast<std::uint32_t>(line.offset + offset), static_cast<std::uint32_t>(size)};
    }
    const std::uint64_t place = code == 0 ? pieces_end_ : rows_.varint();
    if (place > head_.pieces_size || size > head_.pieces_size - place) return fail_ref();
    if (code == 0) pieces_end_ += size;
    return {static_cast<std::uint32_t>(head_.lines_size + place), static_cast<std::uint32_t>(size)};
  }

  void read_record() {
    Record& r = out_.records.emplace_back();
    const auto fields = rows_.fixed<std::uint16_t>();
    r.severity = static_cast<record::Severity>(rows_.byte());
    const std::uint64_t size = rows_.varint();
    if (size > head_.lines_size - line_end_ || r.severity > record::Severity::highest) return void(rows_.fail());
    r.line = {static_cast<std::uint32_t>(line_end_), static_cast<std::uint32_t>(size)};
    line_end_ += size;
    if (fields & row_observed) observed_ = wrapping_sum(observed_, rows_.signed_varint());
    r.observed_time = observed_;
    if (fields & row_event) read_event_time(r);
    r.body = fields & row_body_is_line ? r.line : read_ref(r.line);
    if (fields & row_severity_text) r.severity_text = read_ref(r.line);
    if (fields & row_trace_id) r.trace_id = read_ref(r.line);
    if (fields & row_span_id) r.span_id = read_ref(r.line);
    if (fields & row_test_id) r.test_id = read_ref(r.line);
    if (fields & row_flags) r.flags = static_cast<std::uint16_t>(rows_.varint32());
    if (fields & row_source_lines) r.source_lines = rows_.varint32();
    r.first_attribute = static_cast<std::uint32_t>(out_.attributes.size());
    if (fields & row_attributes) read_attributes(r);
    r.first_finding = static_cast<std::uint32_t>(out_.findings.size());
    if (fields & row_findings) read_findings(r);
  }

  void read_event_time(Record& r) {
    const std::uint8_t resolution = rows_.byte();
    if (resolution > static_cast<std::uint8_t>(record::TimeResolution::day)) return void(rows_.fail());
    r.resolution = static_cast<record::TimeResolution>(resolution);
    event_ = wrapping_sum(event_, rows_.signed_varint());
    r.event_time = event_;
  }

  void read_attributes(Record& r) {
    const std::uint64_t count = rows_.varint();
    if (count > head_.attribute_count - out_.attributes.size()) return void(rows_.fail());
    r.attribute_count = static_cast<std::uint32_t>(count);
    for (std::uint64_t i = 0; i < count && !rows_.failed(); ++i) {
      Attribute& attribute = out_.attributes.emplace_back();
      const std::uint8_t type = rows_.byte();
      if (type > static_cast<std::uint8_t>(AttributeType::json)) return void(rows_.fail());
      attribute.type = static_cast<AttributeType>(type);
      attribute.key = read_ref(r.line);
      attribute.text = read_ref(r.line);
      if (attribute.type == AttributeType::integer || attribute.type == AttributeType::boolean) attribute.integer = rows_.signed_varint();
      if (attribute.type == AttributeType::real) attribute.real = rows_.fixed<double>();
    }
  }

  void read_findings(Record& r) {
    const std::uint64_t count = rows_.varint();
    if (count > head_.finding_count - out_.findings.size() || count > UINT16_MAX) return void(rows_.fail());
    r.finding_count = static_cast<std::uint16_t>(count);
    for (std::uint64_t i = 0; i < count && !rows_.failed(); ++i) {
      record::Finding& finding = out_.findings.emplace_back();
      const std::uint8_t kind = rows_.byte();
      finding.begin = rows_.varint32();
      finding.size = rows_.varint32();
      const std::uint64_t rule = rows_.varint();
      if (kind > static_cast<std::uint8_t>(record::FindingKind::word) || rule >= out_.rule_names.size()) return void(rows_.fail());
      finding.begin = std::min(finding.begin, r.line.size);  // whoever cuts the line there needs no check of his own
      finding.size = std::min(finding.size, r.line.size - finding.begin);
      finding.kind = static_cast<record::FindingKind>(kind);
      finding.rule = static_cast<std::uint16_t>(rule);
    }
  }

  ByteReader rows_;
  const BlockHead head_;
  Batch& out_;
  std::uint64_t line_end_ = 0;
  std::uint64_t pieces_end_ = 0;
  base::UnixNanos observed_ = 0;
  base::UnixNanos event_ = 0;
};

bool read_block_head(ByteReader& reader, std::uint32_t records, BlockHead& head, Batch& out) {
  head.lines_size = reader.varint();
  head.pieces_size = reader.varint();
  head.rows_size = reader.varint();
  head.attribute_count = reader.varint();
  head.finding_count = reader.varint();
  const std::uint64_t rules = reader.varint();
  if (rules > UINT16_MAX + std::uint64_t{1} || rules > reader.left()) return false;
  for (std::uint64_t i = 0; i < rules && !reader.failed(); ++i) out.rule_names.emplace_back(reader.text());
  return !reader.failed() && head.plausible(records);
}

bool read_header_fields(ByteReader& reader, ItemHead& out) {
  const std::uint64_t records = reader.varint();
  out.record_count = static_cast<std::uint32_t>(records);
  out.first_source_line = reader.varint();
  if (records > 0) {
    out.min_index = reader.signed_varint();
    out.max_index = wrapping_sum(out.min_index, static_cast<std::int64_t>(reader.varint()));
  }
  if (out.has(item_raw_range)) {
    out.raw.from = reader.varint();
    out.raw.to = out.raw.from + reader.varint();
    out.raw.hash.high = reader.fixed<std::uint64_t>();
    out.raw.hash.low = reader.fixed<std::uint64_t>();
  }
  if (out.has(item_position)) {
    out.position_key = reader.text();
    out.position_value = reader.text();
  }
  if (out.has(item_written_after)) out.written_after = wrapping_sum(out.min_index, reader.signed_varint());
  return records <= max_payload_size && !reader.failed();
}

}  // namespace

bool read_item_head(ByteReader& payload, ItemHead& out) {
  ByteReader reader(payload.text());
  if (payload.failed()) return false;
  out = {};
  out.stream_number = reader.varint();
  out.flags = reader.byte();
  if (out.has(item_defines_stream)) out.labels = reader.text();
  if (!read_header_fields(reader, out)) return false;
  out.body = reader.rest();
  return true;
}

bool decode_item(const ItemHead& item, record::StreamRef stream, Batch& out) {
  out.stream = std::move(stream);
  out.first_source_line = item.first_source_line;
  out.written_after = item.written_after;
  if (item.has(item_raw_range)) out.raw = item.raw;
  if (item.has(item_position)) out.position = record::Position{std::string(item.position_key), std::string(item.position_value)};
  if (item.record_count == 0) return item.body.empty();

  ByteReader reader(item.body);
  BlockHead head;
  if (!read_block_head(reader, item.record_count, head, out)) return false;
  const std::uint64_t text_size = head.lines_size + head.pieces_size;
  std::string_view stored = reader.rest();
  if (!item.has(item_lz4)) {
    if (stored.size() != head.raw_size()) return false;
    out.text.assign(stored.substr(0, text_size));
    return RowDecoder(stored.substr(text_size), head, out).decode_all(item.record_count);
  }
  if (head.raw_size() > stored.size() * highest_lz4_ratio) return false;
  // The rows are unpacked behind the text and cut off again: one buffer, no copy.
  out.text.resize(head.raw_size());
  const int size = LZ4_decompress_safe(stored.data(), out.text.data(), static_cast<int>(stored.size()), static_cast<int>(head.raw_size()));
  if (size < 0 || static_cast<std::uint64_t>(size) != head.raw_size()) return false;
  const bool good = RowDecoder(std::string_view(out.text).substr(text_size), head, out).decode_all(item.record_count);
  out.text.resize(text_size);
  return good;
}

}  // namespace telltale::store
