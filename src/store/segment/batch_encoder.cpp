#include <lz4.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

using record::Attribute;
using record::AttributeType;
using record::Batch;
using record::Record;
using record::TextRef;

namespace {

constexpr std::size_t kept_scratches = 8;
constexpr std::size_t kept_scratch_bytes = 4 * 1024 * 1024;
constexpr std::size_t smallest_compressed = 128;
// Upper bounds of what one thing takes in its row.
constexpr std::size_t row_bytes = 192;
constexpr std::size_t attribute_bytes = 64;
constexpr std::size_t finding_bytes = 24;

}  // namespace

std::unique_ptr<BatchEncoder::Scratch> BatchEncoder::take_scratch() {
  base::MutexLock lock(mutex_);
  if (free_.empty()) return std::make_unique<Scratch>();
  auto scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void BatchEncoder::give_back(std::unique_ptr<Scratch> scratch) {
  if (scratch->bytes() > kept_scratch_bytes) return;
  base::MutexLock lock(mutex_);
  if (free_.size() < kept_scratches) free_.push_back(std::move(scratch));
}

namespace {

// Writes the rows of one batch into a scratch.
class RowEncoder {
 public:
  RowEncoder(const Batch& batch, BatchEncoder::Scratch& scratch) : batch_(batch), scratch_(scratch), rows_(scratch.rows) {
    scratch_.block.clear();
    scratch_.rows.clear();
    scratch_.used_rules.clear();
    scratch_.rule_numbers.assign(batch.rule_names.size(), 0);
  }

  void encode_all() {
    put_lines();
    for (const Record& record : batch_.records) put_record(record);
  }
  std::uint64_t lines_size() const { return lines_size_; }
  std::uint64_t attribute_count() const { return attribute_count_; }
  std::uint64_t finding_count() const { return finding_count_; }

 private:
  // A piece of text outside all lines, and where it went.
  struct Piece {
    TextRef source;
    std::uint32_t place = 0;
  };

  void put_lines() {
    std::uint64_t size = 0;
    for (const Record& record : batch_.records) size += record.line.size;
    scratch_.block.reserve(size);
    for (const Record& record : batch_.records) scratch_.block.put_bytes(checked_view(record.line));
    lines_size_ = size;
    TT_ASSERT(size < max_payload_size, "a batch's text is under 2 GiB");
  }

  std::string_view checked_view(TextRef ref) const {
    TT_ASSERT(std::uint64_t{ref.offset} + ref.size <= batch_.text.size(), "a record refers to bytes outside its batch");
    return std::string_view(batch_.text).substr(ref.offset, ref.size);
  }

  // Size; then, unless empty: 2 + offset in the line, or 0 for the next piece outside, or 1 and the place in a piece already written.
  void put_ref(TextRef ref, TextRef line) {
    rows_.put_varint(ref.size);
    if (ref.empty()) return;
    if (ref.offset >= line.offset && std::uint64_t{ref.offset} + ref.size <= std::uint64_t{line.offset} + line.size) {
      rows_.put_varint(std::uint64_t{2} + (ref.offset - line.offset));
      return;
    }
    put_outside(ref);
  }

  void put_outside(TextRef ref) {
    for (const Piece& piece : recent_) {
      if (ref.offset >= piece.source.offset &&
          std::uint64_t{ref.offset} + ref.size <= std::uint64_t{piece.source.offset} + piece.source.size) {
        rows_.put_varint(1);
        rows_.put_varint(piece.place + (ref.offset - piece.source.offset));
        return;
      }
    }
    rows_.put_varint(0);
    recent_[next_recent_++ % recent_.size()] = {ref, static_cast<std::uint32_t>(scratch_.block.size() - lines_size_)};
    scratch_.block.append(checked_view(ref));
  }

  static std::uint16_t fields_of(const Record& r, bool same_time) {
    const bool body_is_line = r.body.size == r.line.size && (r.body.offset == r.line.offset || r.body.empty());
    int fields = same_time ? 0 : row_observed;
    if (r.has_event_time() || r.event_time != 0) fields |= row_event;
    if (body_is_line) fields |= row_body_is_line;
    if (!r.severity_text.empty()) fields |= row_severity_text;
    if (!r.trace_id.empty()) fields |= row_trace_id;
    if (!r.span_id.empty()) fields |= row_span_id;
    if (!r.test_id.empty()) fields |= row_test_id;
    if (r.attribute_count > 0) fields |= row_attributes;
    if (r.finding_count > 0) fields |= row_findings;
    if (r.flags != 0) fields |= row_flags;
    if (r.source_lines != 1) fields |= row_source_lines;
    return static_cast<std::uint16_t>(fields);
  }

  void put_record(const Record& r) {
    rows_.reserve(row_bytes + r.attribute_count * attribute_bytes + r.finding_count * finding_bytes);
    const std::uint16_t fields = fields_of(r, r.observed_time == observed_);
    rows_.put_fixed(fields);
    rows_.put_byte(static_cast<std::uint8_t>(r.severity));
    rows_.put_varint(r.line.size);
    if (fields & row_observed) rows_.put_varint(zigzag(wrapping_difference(r.observed_time, observed_)));
    observed_ = r.observed_time;
    if (fields & row_event) {
      rows_.put_byte(static_cast<std::uint8_t>(r.resolution));
      rows_.put_varint(zigzag(wrapping_difference(r.event_time, event_)));
      event_ = r.event_time;
    }
    if (!(fields & row_body_is_line)) put_ref(r.body, r.line);
    if (fields & row_severity_text) put_ref(r.severity_text, r.line);
    if (fields & row_trace_id) put_ref(r.trace_id, r.line);
    if (fields & row_span_id) put_ref(r.span_id, r.line);
    if (fields & row_test_id) put_ref(r.test_id, r.line);
    if (fields & row_flags) rows_.put_varint(r.flags);
    if (fields & row_source_lines) rows_.put_varint(r.source_lines);
    if (fields & row_attributes) put_attributes(r);
    if (fields & row_findings) put_findings(r);
  }

  void put_attributes(const Record& r) {
    rows_.put_varint(r.attribute_count);
    attribute_count_ += r.attribute_count;
    TT_ASSERT(std::uint64_t{r.first_attribute} + r.attribute_count <= batch_.attributes.size(),
              "a record has attributes its batch has not");
    for (const Attribute& attribute : batch_.attributes_of(r)) {
      rows_.put_byte(static_cast<std::uint8_t>(attribute.type));
      put_ref(attribute.key, r.line);
      put_ref(attribute.text, r.line);
      if (attribute.type == AttributeType::integer || attribute.type == AttributeType::boolean) rows_.put_varint(zigzag(attribute.integer));
      if (attribute.type == AttributeType::real) rows_.put_fixed(attribute.real);
    }
  }

  void put_findings(const Record& r) {
    rows_.put_varint(r.finding_count);
    finding_count_ += r.finding_count;
    TT_ASSERT(std::uint64_t{r.first_finding} + r.finding_count <= batch_.findings.size(), "a record has findings its batch has not");
    for (const record::Finding& finding : batch_.findings_of(r)) {
      rows_.put_byte(static_cast<std::uint8_t>(finding.kind));
      rows_.put_varint(finding.begin);
      rows_.put_varint(finding.size);
      rows_.put_varint(rule_number(finding.rule));
    }
  }

  // Only the names that findings use are stored, numbered in order of first use.
  std::uint32_t rule_number(std::uint16_t rule) {
    TT_ASSERT(rule < scratch_.rule_numbers.size(), "a finding names a rule its batch has not");
    std::uint32_t& number = scratch_.rule_numbers[rule];
    if (number == 0) {
      scratch_.used_rules.push_back(rule);
      number = static_cast<std::uint32_t>(scratch_.used_rules.size());
    }
    return number - 1;
  }

  const Batch& batch_;
  BatchEncoder::Scratch& scratch_;
  ByteBuffer& rows_;
  std::uint64_t lines_size_ = 0;
  std::uint64_t attribute_count_ = 0;
  std::uint64_t finding_count_ = 0;
  base::UnixNanos observed_ = 0;
  base::UnixNanos event_ = 0;
  std::array<Piece, 4> recent_{};
  std::size_t next_recent_ = 0;
};

void note_times(const Batch& batch, EncodedItem& item) {
  for (const Record& record : batch.records) {
    const base::UnixNanos index = record.index_time();
    item.min_observed = std::min(item.min_observed, record.observed_time);
    item.max_observed = std::max(item.max_observed, record.observed_time);
    item.min_index = std::min(item.min_index, index);
    item.max_index = std::max(item.max_index, index);
    item.gap_count += record.has(record::flag_gap) ? 1 : 0;
    item.lifecycle_count += record.has(record::flag_lifecycle) ? 1 : 0;
    if (is_loose(batch, record)) item.flags |= item_loose;
  }
}

void put_head(const Batch& batch, EncodedItem& item) {
  append_varint(item.head, batch.records.size());
  append_varint(item.head, batch.first_source_line);
  if (!batch.records.empty()) {
    append_varint(item.head, zigzag(item.min_index));
    append_varint(item.head, static_cast<std::uint64_t>(wrapping_difference(item.max_index, item.min_index)));
  }
  if (batch.raw) {
    item.flags |= item_raw_range;
    append_varint(item.head, batch.raw->from);
    append_varint(item.head, batch.raw->to - batch.raw->from);
    append_fixed(item.head, batch.raw->hash.high);
    append_fixed(item.head, batch.raw->hash.low);
  }
  if (batch.position) {
    item.flags |= item_position;
    append_text(item.head, batch.position->key);
    append_text(item.head, batch.position->value);
  }
  if (batch.written_after != 0 && !batch.records.empty()) {
    item.flags |= item_written_after;
    append_varint(item.head, zigzag(wrapping_difference(batch.written_after, item.min_index)));
  }
}

// Compressed only where that saves an eighth; for less, reading would only be slower.
void put_block(bool compress, BatchEncoder::Scratch& scratch, EncodedItem& item) {
  ByteBuffer& block = scratch.block;
  item.raw_size = static_cast<std::uint32_t>(item.head.size() + block.size());
  if (compress && block.size() >= smallest_compressed && block.size() <= LZ4_MAX_INPUT_SIZE) {
    const std::size_t limit = block.size() - block.size() / 8;
    scratch.packed.clear();
    scratch.packed.reserve(limit);
    const int size = LZ4_compress_fast(block.data(), scratch.packed.data(), static_cast<int>(block.size()), static_cast<int>(limit), 1);
    if (size > 0) {
      item.flags |= item_lz4;
      item.block.assign(scratch.packed.data(), static_cast<std::size_t>(size));
      return;
    }
  }
  item.block.assign(block.view());
}

}  // namespace

bool is_loose(const Batch& batch, const Record& record) {
  if (record.has(record::flag_gap)) return true;
  if (record.has(record::flag_lifecycle)) return false;
  const bool has_time = record.has_event_time() && !record.has(record::flag_time_out_of_range);
  if (has_time && record.resolution == record::TimeResolution::day) return true;
  if (!has_time && batch.written_after == 0) return true;
  const std::int64_t way = wrapping_difference(record.observed_time, has_time ? record.event_time : batch.written_after);
  return way > loose_nanos || way < -loose_nanos;
}

EncodedItem BatchEncoder::encode(const Batch& batch) {
  EncodedItem item;
  item.stream = batch.stream;
  item.record_count = static_cast<std::uint32_t>(batch.records.size());
  note_times(batch, item);
  put_head(batch, item);
  item.raw_size = static_cast<std::uint32_t>(item.head.size());
  if (batch.records.empty()) return item;

  auto scratch = take_scratch();
  RowEncoder rows(batch, *scratch);
  rows.encode_all();
  const std::uint64_t text_size = scratch->block.size();
  append_varint(item.head, rows.lines_size());
  append_varint(item.head, text_size - rows.lines_size());
  append_varint(item.head, scratch->rows.size());
  append_varint(item.head, rows.attribute_count());
  append_varint(item.head, rows.finding_count());
  append_varint(item.head, scratch->used_rules.size());
  for (const std::uint32_t rule : scratch->used_rules) append_text(item.head, batch.rule_names[rule]);
  scratch->block.append(scratch->rows.view());
  put_block(compress_, *scratch, item);
  give_back(std::move(scratch));
  return item;
}

void append_item_prefix(std::string& out, const EncodedItem& item, std::uint64_t stream_number, const record::Labels* labels) {
  std::string body;
  append_varint(body, stream_number);
  body.push_back(static_cast<char>(item.flags | (labels != nullptr ? item_defines_stream : 0)));
  if (labels != nullptr) {
    std::string text;
    append_labels(text, *labels);
    append_text(body, text);
  }
  append_varint(out, body.size() + item.bytes());
  out += body;
}

}  // namespace telltale::store
