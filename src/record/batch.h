// Batch: records of one stream and the bytes they are views of.
//
// A record keeps its *line*, the text as the source wrote it (redacted); body, attributes and the rest are views into that line, or
// into bytes the parser appended (an unescaped JSON string). So nothing is copied per field, search sees what a person would grep, and
// moving a batch moves pointers. A TextRef is valid as long as its batch's text() only grows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "record/severity.h"
#include "record/stream.h"

namespace telltale::record {

using base::UnixNanos;
using Sequence = std::uint64_t;

// Bytes [offset, offset + size) of a batch's text. A batch's text is under 2 GiB.
struct TextRef {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool empty() const { return size == 0; }
  std::uint32_t end() const { return offset + size; }
};

// How exact a written timestamp is; the record's time is the interval [event_time, event_time + resolution).
enum class TimeResolution : std::uint8_t { none, nanosecond, microsecond, millisecond, second, minute, day };

enum RecordFlag : std::uint16_t {
  flag_redacted = 1 << 0,           // something was taken out of the line
  flag_joined = 1 << 1,             // several source lines
  flag_truncated = 1 << 2,          // the source line was longer than the limit
  flag_zone_assumed = 1 << 3,       // the timestamp had no zone; UTC or the configured zone was taken
  flag_time_out_of_range = 1 << 4,  // event time outside [observed - 7 d, observed + 1 h]: observed_time indexes it
  flag_invalid_utf8 = 1 << 5,       // the line holds bytes that are no UTF-8; they are kept as they were
  flag_gap = 1 << 6,                // no line but a gap record: see record/gap.h
  flag_unterminated = 1 << 7,       // the source ended without a line end after it
  flag_lifecycle = 1 << 8,          // no line but an event of a run (docs/reference/runs.md)
};

enum class AttributeType : std::uint8_t { text, integer, real, boolean, null, json };  // json: an array or object, as written

struct Attribute {
  TextRef key;
  TextRef text;              // type text: the unescaped value; all others: as written
  std::int64_t integer = 0;  // type integer and boolean
  double real = 0;           // type real
  AttributeType type = AttributeType::text;
};

enum class FindingKind : std::uint8_t { severity, exception, word };

// What detection marked: the rule's name is an index into Batch::rule_names.
struct Finding {
  std::uint32_t begin = 0;  // offset in the record's line
  std::uint32_t size = 0;
  std::uint16_t rule = 0;
  FindingKind kind = FindingKind::word;
};

// Trivially copyable; all text lives in the batch.
struct Record {
  UnixNanos observed_time = 0;
  UnixNanos event_time = 0;  // only when resolution != none; as found, raw
  TextRef line;
  TextRef body;           // the message; the whole line where no format was recognised
  TextRef severity_text;  // as written; empty when there was none
  TextRef trace_id;       // 32 hex digits, as written
  TextRef span_id;        // 16 hex digits
  TextRef test_id;        // explicit test reference (DESIGN 7, precedence 1)
  std::uint32_t first_attribute = 0;
  std::uint32_t attribute_count = 0;
  std::uint32_t first_finding = 0;
  std::uint16_t finding_count = 0;
  std::uint16_t flags = 0;
  std::uint32_t source_lines = 1;  // lines of the source that it stands for; gaps: estimate
  TimeResolution resolution = TimeResolution::none;
  Severity severity = Severity::unset;

  bool has(RecordFlag flag) const { return (flags & flag) != 0; }
  bool has_event_time() const { return resolution != TimeResolution::none; }
  // The time that queries order and filter by: event time where there is a believable one, else observed time.
  UnixNanos index_time() const { return has_event_time() && !has(flag_time_out_of_range) ? event_time : observed_time; }
  // severity >= 17 or a finding; derived, never stored.
  bool is_error() const { return record::is_error(severity) || finding_count > 0; }
};

// Where a source goes on after a restart. Opaque to the store, which keeps the newest value of each key, committed in the same frame as
// the records it follows. An empty value forgets the key.
struct Position {
  std::string key;
  std::string value;
  bool operator==(const Position&) const = default;
};

// Bytes [from, to) of the source that a batch stands for, and their keyed hash before redaction: for audits.
struct RawRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  base::Hash128 hash;
};

struct Batch {
  StreamRef stream;
  std::string text;
  std::vector<Record> records;
  std::vector<Attribute> attributes;  // all records', in record order
  std::vector<Finding> findings;      // all records', in record order
  std::vector<std::string> rule_names;
  std::uint64_t first_source_line = 0;  // number of the first source line since the stream's beginning, as the source counts
  // No source line of the batch was written before this: then its source had read all that the stream held. Bounds the time of records
  // that have none of their own, together with their observed time. 0: not known.
  UnixNanos written_after = 0;
  std::optional<RawRange> raw;
  std::optional<Position> position;

  std::string_view view(TextRef ref) const { return std::string_view(text).substr(ref.offset, ref.size); }
  std::string_view line(const Record& r) const { return view(r.line); }
  std::string_view body(const Record& r) const { return view(r.body); }
  std::span<const Attribute> attributes_of(const Record& r) const { return {attributes.data() + r.first_attribute, r.attribute_count}; }
  std::span<const Finding> findings_of(const Record& r) const { return {findings.data() + r.first_finding, r.finding_count}; }
  // Memory it holds, for queues that are bounded by bytes.
  std::size_t bytes() const;
};

// A batch after the store gave it sequences: record i has first_sequence + i. Immutable; shared by the hub's ring and its readers
// (the sanctioned shared object of DESIGN 11).
struct CommittedBatch {
  Sequence first_sequence = 0;
  Batch batch;
  Sequence last_sequence() const { return first_sequence + batch.records.size() - 1; }
};
using CommittedBatchRef = std::shared_ptr<const CommittedBatch>;

// One record with all it needs to be read. Valid while the batch lives.
struct RecordView {
  const Batch* batch = nullptr;
  const Record* record = nullptr;
  Sequence sequence = 0;
  std::string_view line() const { return batch->line(*record); }
  std::string_view body() const { return batch->body(*record); }
  const Labels& labels() const { return batch->stream->labels; }
};

}  // namespace telltale::record
