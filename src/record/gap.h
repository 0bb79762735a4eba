// A gap: a stated loss. It travels and is stored as a batch with one record (flag_gap) whose line is readable text and whose
// attributes hold reason and bounds, so that every reader of records meets it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "record/batch.h"

namespace telltale::record {

enum class GapReason : std::uint8_t {
  truncated_before_read,  // copytruncate took bytes that were not read yet
  rotated_away,           // the file was gone before it was read to its end
  deleted_before_read,
  replaced,    // another file with the same name stands there
  unreadable,  // permission or I/O
  source_restarted,
  store_damaged,  // a range of a segment was quarantined
  slow_reader,    // live view only, never stored
  shutdown,
  relay_full,  // nobody took a program's output for so long that its relay had no room left for it
  relay_lost,  // the process that read a program's output died with what it had read
};

std::string_view gap_reason_name(GapReason reason);
std::optional<GapReason> parse_gap_reason(std::string_view name);

// Both ends are inside.
struct SequenceRange {
  Sequence from = 0;
  Sequence to = 0;
  bool operator==(const SequenceRange&) const = default;
};

struct Gap {
  GapReason reason = GapReason::source_restarted;
  UnixNanos from_time = 0;                   // what is missing was written at or after this
  UnixNanos to_time = 0;                     // and before or at this
  std::optional<RawRange> range;             // source bytes that are missing, where known (hash unused)
  std::optional<std::uint64_t> lines;        // estimate of source lines
  std::string detail;                        // for people, without secrets
  std::optional<SequenceRange> sequences{};  // records that the store has lost have sequences in it
};

// attributes: gap.reason gap.from_time gap.to_time gap.from_byte gap.to_byte gap.lines gap.from_sequence gap.to_sequence gap.detail
Batch make_gap_batch(StreamRef stream, const Gap& gap, UnixNanos observed_time);
// The gap of a record with flag_gap.
std::optional<Gap> read_gap(const Batch& batch, const Record& record);

}  // namespace telltale::record
