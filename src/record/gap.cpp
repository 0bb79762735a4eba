#include "record/gap.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace telltale::record {
namespace {

constexpr std::array<std::string_view, 11> reason_names = {
    "truncated_before_read", "rotated_away", "deleted_before_read", "replaced",  "unreadable", "source_restarted", "store_damaged",
    "slow_reader",           "shutdown",     "relay_full",          "relay_lost"};

// Adds attributes to a batch of one record, their bytes after its line.
class AttributeWriter {
 public:
  explicit AttributeWriter(Batch& batch) : batch_(batch) {}

  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value, 0, AttributeType::text);
  }
  void integer(std::string_view key, std::int64_t value) { add(key, std::to_string(value), value, AttributeType::integer); }

 private:
  TextRef append(std::string_view bytes) {
    const TextRef ref{static_cast<std::uint32_t>(batch_.text.size()), static_cast<std::uint32_t>(bytes.size())};
    batch_.text += bytes;
    return ref;
  }
  void add(std::string_view key, std::string_view value, std::int64_t integer, AttributeType type) {
    const TextRef key_ref = append(key);
    batch_.attributes.push_back({key_ref, append(value), integer, 0, type});
  }

  Batch& batch_;
};

std::string describe(const Gap& gap) {
  std::string line = "gap: ";
  line += gap_reason_name(gap.reason);
  if (gap.lines) line += ", about " + std::to_string(*gap.lines) + (*gap.lines == 1 ? " line" : " lines");
  if (gap.range) line += ", bytes " + std::to_string(gap.range->from) + " to " + std::to_string(gap.range->to);
  line += " written between ";
  base::append_rfc3339(line, gap.from_time, 3);
  line += " and ";
  base::append_rfc3339(line, gap.to_time, 3);
  if (!gap.detail.empty()) line += ": " + gap.detail;
  return line;
}

}  // namespace

std::string_view gap_reason_name(GapReason reason) {
  return reason_names[static_cast<std::size_t>(reason)];
}

std::optional<GapReason> parse_gap_reason(std::string_view name) {
  const auto* const found = std::find(reason_names.begin(), reason_names.end(), name);
  if (found == reason_names.end()) return std::nullopt;
  return static_cast<GapReason>(found - reason_names.begin());
}

Batch make_gap_batch(StreamRef stream, const Gap& gap, UnixNanos observed_time) {
  Batch batch;
  batch.stream = std::move(stream);
  batch.text = describe(gap);
  Record record;
  record.observed_time = observed_time;
  record.line = {0, static_cast<std::uint32_t>(batch.text.size())};
  record.body = record.line;
  record.flags = flag_gap;
  record.severity = Severity::warn;
  record.source_lines =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(gap.lines.value_or(0), std::numeric_limits<std::uint32_t>::max()));
  AttributeWriter attributes(batch);
  attributes.text("gap.reason", gap_reason_name(gap.reason));
  attributes.integer("gap.from_time", gap.from_time);
  attributes.integer("gap.to_time", gap.to_time);
  if (gap.range) {
    attributes.integer("gap.from_byte", static_cast<std::int64_t>(gap.range->from));
    attributes.integer("gap.to_byte", static_cast<std::int64_t>(gap.range->to));
  }
  if (gap.lines) attributes.integer("gap.lines", static_cast<std::int64_t>(*gap.lines));
  if (gap.sequences) {
    attributes.integer("gap.from_sequence", static_cast<std::int64_t>(gap.sequences->from));
    attributes.integer("gap.to_sequence", static_cast<std::int64_t>(gap.sequences->to));
  }
  attributes.text("gap.detail", gap.detail);
  record.attribute_count = static_cast<std::uint32_t>(batch.attributes.size());
  batch.records.push_back(record);
  return batch;
}

std::optional<Gap> read_gap(const Batch& batch, const Record& record) {
  if (!record.has(flag_gap)) return std::nullopt;
  Gap gap;
  std::optional<GapReason> reason;
  RawRange range;
  bool has_range = false;
  SequenceRange sequences;
  bool has_sequences = false;
  for (const Attribute& attribute : batch.attributes_of(record)) {
    const std::string_view key = batch.view(attribute.key);
    const auto number = static_cast<std::uint64_t>(attribute.integer);
    if (key == "gap.reason") reason = parse_gap_reason(batch.view(attribute.text));
    if (key == "gap.from_time") gap.from_time = attribute.integer;
    if (key == "gap.to_time") gap.to_time = attribute.integer;
    if (key == "gap.from_byte") range.from = number, has_range = true;
    if (key == "gap.to_byte") range.to = number, has_range = true;
    if (key == "gap.lines") gap.lines = number;
    if (key == "gap.from_sequence") sequences.from = number, has_sequences = true;
    if (key == "gap.to_sequence") sequences.to = number, has_sequences = true;
    if (key == "gap.detail") gap.detail = batch.view(attribute.text);
  }
  if (!reason) return std::nullopt;
  gap.reason = *reason;
  if (has_range) gap.range = range;
  if (has_sequences) gap.sequences = sequences;
  return gap;
}

}  // namespace telltale::record
