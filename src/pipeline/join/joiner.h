// Join, the stage between frame and parse: lines that belong together become one record (docs/reference/joining.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/join/grammar.h"
#include "record/batch.h"

namespace telltale::pipeline {

struct JoinOptions {
  bool enabled = true;
  std::uint32_t max_lines = 1000;         // of a joined record; what follows is a continuation
  std::uint32_t max_bytes = 1024 * 1024;  // the same
};

// What of a block's end is kept back for lines that may follow.
enum class Hold : std::uint8_t {
  nothing,
  open,  // a record that is in the middle of a trace or of indented lines, and what looks like an exception
  tail,  // also a line that has no more than a head: the source says that more follows at once
};

// What is remembered of the last lines: headed ones and plain ones, newest in the lowest bit; JSON, empty and indented lines are neither.
struct LineHistory {
  std::uint64_t headed = 0;
  std::uint64_t plain = 0;
};

// What a stream's next line is joined by. Copyable.
struct JoinState {
  Trace trace = Trace::none;  // of the last record, when that may go on
  bool headed = false;        // the last record begins with a time or a level
  bool owner = false;         // and a trace below it is its own: its level is not info or lower
  bool pure = false;          // before the last record's head all lines had one
  std::uint8_t loose = 0;     // lines in the trace that no grammar knows
  std::uint8_t blanks = 0;    // empty lines behind the last one that belongs to the trace
  std::uint8_t waiting = 0;   // lines of batches before, behind the last one that belongs: a later one says whether they do
  LineHistory history;
};

// A record that goes on with another one, which was full or is no longer here.
struct Continuation {
  static constexpr std::uint32_t before = 0xffffffff;  // the last record of the batches before
  std::uint32_t record = 0;
  std::uint32_t of = before;
};

// One stream's joiner. Synchronous, pure; from one thread at a time. Looks at two bytes of most lines; allocates nothing.
class Joiner {
 public:
  explicit Joiner(JoinOptions options = {}) : options_(options) {}

  // Joins the batch's lines in place: a joined record has flag_joined, the lines' number and flags, and as its line all of the text from
  // the first line's beginning to the last one's end. Returns how many records are complete. Those behind must be given again, from the
  // line at which the first of them begins, with what follows them; until then the joiner's state is that before them. Either no record
  // is complete or all are that begin in the first `whole` bytes.
  std::size_t join(record::Batch& batch, Hold hold, std::size_t whole = 0);

  // Of the last join(): ascending, complete records only.
  std::span<const Continuation> continuations() const { return continuations_; }
  // Some complete record has several lines.
  bool has_joined() const { return has_joined_; }

 private:
  JoinOptions options_;
  JoinState state_;
  std::vector<Continuation> continuations_;
  bool has_joined_ = false;
};

}  // namespace telltale::pipeline
