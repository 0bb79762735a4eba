// The joining of one batch: the parts of Joiner::join(). Split over batch_join.cpp (which lines go on with which) and batch_join_ends.cpp
// (what of the batch's end waits, and what is remembered for the next one).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/join/joiner.h"
#include "pipeline/parse/line_start.h"

namespace telltale::pipeline {

using record::Batch;
using record::Record;

inline constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
inline constexpr std::size_t most_tentative = 16;  // lines that wait for a later one to say whether they belong
inline constexpr std::size_t most_message_lines = 4;

inline bool is_indent(char c) {
  return c == ' ' || c == '\t';
}
inline bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// A trace that stands below a line of an event that went well is rather a program's end than that event's.
inline bool is_owner(const LineStart& start) {
  return start.headed() && (start.severity == record::Severity::unset || start.severity >= record::Severity::warn);
}

// Records [0, heads_) are final, the last of them may be open; [heads_, heads_ + tentative_) are lines that
// belong to it if a later one says so.
class BatchJoin {
 public:
  BatchJoin(Batch& batch, const JoinOptions& options, const JoinState& before, std::vector<Continuation>& continuations)
      : records_(batch.records), text_(batch.text), options_(options), before_(before), state_(before), continuations_(continuations) {}

  void run() {
    const std::size_t count = records_.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_open() && !may_join(text_.data() + records_[i].line.offset)) {
        keep(i);
      } else {
        take(i);
      }
    }
  }

  // How many records are complete.
  std::size_t finish(Hold hold, std::size_t whole, JoinState& after);
  bool has_joined() const { return joined_; }

 private:
  bool is_open() const { return state_.trace != Trace::none; }
  std::string_view line_of(std::size_t index) const {
    return std::string_view(text_).substr(records_[index].line.offset, records_[index].line.size);
  }

  void keep(std::size_t i) {
    if (heads_ != i) records_[heads_] = records_[i];
    ++heads_;
  }

  std::uint8_t waiting() const { return static_cast<std::uint8_t>(state_.waiting + tentative_); }
  void wait_no_more() { tentative_ = state_.blanks = state_.waiting = 0; }

  void take(std::size_t i);
  bool goes_on(std::size_t i, std::string_view line);
  bool goes_on_unindented(std::size_t i, std::string_view line);
  bool goes_on_loosely(std::string_view line);
  bool wait(std::size_t i);
  void close();
  void begin_unindented(std::size_t i, std::string_view line);
  void begin_indented(std::size_t i, std::string_view line);
  void begin_below_plain(std::size_t i, Trace shown);
  void open(std::size_t head, std::size_t i, Trace trace);
  void open_exception(std::size_t head, std::size_t owner, std::size_t i, Trace trace);
  void open_unfit(std::size_t head, const LineStart& start, std::size_t i, Trace trace);
  void open_alone(std::size_t i, Trace trace);
  void open_late(std::size_t i, Trace trace);
  void open_head(std::size_t i, std::string_view line, Trace trace);
  bool has_plain_above() const;
  bool is_told_above(Trace begun, std::string_view line) const;
  void extend(std::size_t i);
  void go_on_in_new(std::size_t i, std::uint32_t of);
  void absorb(std::size_t head, std::size_t last, std::size_t i);
  bool fits(std::size_t head, std::size_t last, std::size_t i) const;
  std::size_t find_owner();
  bool is_gap_below_error(std::size_t k) const;
  std::size_t find_exception() const;
  bool owned_by_earlier(std::size_t first) const { return first == 0 && !before_open() && before_.owner; }
  bool before_open() const { return before_.trace != Trace::none; }

  void note_until(std::size_t end);
  LineHistory history_at(std::size_t end);
  bool is_pure(std::size_t end);
  bool is_regular(std::size_t end);

  std::size_t first_held(Hold hold) const;
  std::size_t first_of_tail(std::string_view last) const;
  void remember(std::size_t last);

  std::vector<Record>& records_;
  const std::string& text_;
  const JoinOptions& options_;
  const JoinState before_;
  JoinState state_;
  std::vector<Continuation>& continuations_;
  std::size_t heads_ = 0;
  std::size_t tentative_ = 0;
  std::size_t traced_ = none;  // this record had a trace that ended: a further one is not its own
  std::size_t noted_ = 0;      // records whose beginning is in the history
  bool joined_ = false;
  JoinState prior_;                // before the present line
  std::size_t cut_record_ = none;  // the last record that goes on with one that was full or before the batch ...
  JoinState cut_state_;            // ... and what its first line was joined by
};

}  // namespace telltale::pipeline
