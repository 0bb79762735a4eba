#include <bit>

#include "pipeline/join/batch_join.h"

namespace telltale::pipeline {
namespace {

constexpr std::size_t history_bits = 64;
constexpr std::uint64_t window = 0xffffffff;  // of the history: this many lines tell what kind of stream it is

}  // namespace

bool BatchJoin::is_gap_below_error(std::size_t k) const {
  if (k == 0 || k - 1 == traced_ || !is_blank(line_of(k)) || records_[k - 1].source_lines > 1) return false;
  const std::string_view above = line_of(k - 1);
  return !is_blank(above) && !is_structured(above) && look_at_start(above).severity >= record::Severity::error;
}

void BatchJoin::note_until(std::size_t end) {
  if (end > noted_ + history_bits) {
    noted_ = end - history_bits;
    state_.history = {};
  }
  for (; noted_ < end; ++noted_) {
    LineHistory& history = state_.history;
    history.headed <<= 1;
    history.plain <<= 1;
    const std::string_view line = line_of(noted_);
    if (is_blank(line) || is_indent(line[0]) || is_structured(line)) continue;
    const bool headed = begins_with_time(line) || level_at_start(line) != record::Severity::unset;
    (headed ? history.headed : history.plain) |= 1;
  }
}

LineHistory BatchJoin::history_at(std::size_t end) {
  note_until(end);
  const std::size_t newer = noted_ - end;
  if (newer >= history_bits) return {};
  return {state_.history.headed >> newer & window, state_.history.plain >> newer & window};
}

bool BatchJoin::is_pure(std::size_t end) {
  const LineHistory history = history_at(end);
  return history.headed != 0 && history.plain == 0;
}

bool BatchJoin::is_regular(std::size_t end) {
  const LineHistory history = history_at(end);
  return history.headed != 0 && std::popcount(history.headed) >= std::popcount(history.plain);
}

std::size_t BatchJoin::first_held(Hold hold) const {
  const std::size_t end = heads_ + tentative_;
  if (hold == Hold::nothing || end == 0) return end;
  if (is_open() && !(hold == Hold::open && heads_ > 0 && records_[heads_ - 1].source_lines == 1 && is_mostly_alone(state_.trace)))
    return heads_ > 0 ? heads_ - 1 : end;
  if (is_open()) return end;
  const Record& last = records_[heads_ - 1];
  const std::string_view line = line_of(heads_ - 1);
  const bool complete = last.has(record::flag_truncated) || last.has(record::flag_unterminated) || traced_ == heads_ - 1;
  if (complete) return end;
  if (is_blank(line)) return hold == Hold::tail && is_gap_below_error(heads_ - 1) ? heads_ - 2 : end;
  if (is_indent(line[0]) || is_structured(line)) return end;
  if (hold == Hold::tail) return first_of_tail(line);
  if (look_at_start(line).headed() || !is_exception_line(line)) return end;
  if (heads_ > 2 && is_gap_below_error(heads_ - 2)) return heads_ - 3;
  const bool owned = heads_ > 1 && traced_ != heads_ - 2 && is_owner(look_at_start(line_of(heads_ - 2)));
  return owned ? heads_ - 2 : heads_ - 1;
}

// From the last head on: a trace may follow that claims what stands behind it. Where there is none, from an exception on.
std::size_t BatchJoin::first_of_tail(std::string_view last) const {
  if (look_at_start(last).headed()) return heads_ - 1;
  std::size_t exception = none;
  for (std::size_t back = 1; back <= heads_ && back <= most_tentative; ++back) {
    const std::size_t k = heads_ - back;
    const std::string_view line = line_of(k);
    if (back == 2 && is_gap_below_error(k)) return k - 1;
    if (is_blank(line) || is_indent(line[0]) || is_structured(line) || k == traced_) break;
    if (look_at_start(line).headed()) return k;
    if (records_[k].source_lines > 1) break;
    if (exception == none && back <= most_message_lines && is_exception_line(line)) exception = k;
  }
  return exception != none ? exception : heads_ - 1;
}

// What the next batch's first line must know of the record before it, which takes no more lines by itself.
void BatchJoin::remember(std::size_t last) {
  const std::string_view line = line_of(last);
  const bool alone = traced_ == last || is_blank(line) || is_indent(line[0]) || is_structured(line);
  const LineStart start = alone ? LineStart{} : look_at_start(line);
  state_.headed = start.headed();
  state_.owner = is_owner(start);
}

std::size_t BatchJoin::finish(Hold hold, std::size_t whole, JoinState& after) {
  std::size_t complete = first_held(hold);
  const std::size_t end = heads_ + tentative_;
  // What is too long for a further line to be put below it need not wait.
  while (!is_open() && complete < end && text_.size() - records_[complete].line.offset >= options_.max_bytes) ++complete;
  if (complete < end && records_[complete].line.offset < whole) complete = 0;
  if (complete < end && text_.size() - records_[complete].line.offset > whole + std::size_t{2} * options_.max_bytes) complete = end;
  if (complete == end) {
    heads_ = end;
    if (!is_open() && end > 0) remember(end - 1);
    note_until(end);
    records_.resize(end);
    state_.waiting = waiting();
    after = state_;
    return end;
  }
  std::erase_if(continuations_, [&](const Continuation& c) { return c.record >= complete; });
  if (complete == 0) return 0;
  // Another record began behind these: nothing goes on with them.
  note_until(complete);
  const std::size_t newer = noted_ - complete;
  LineHistory history;
  if (newer < history_bits) history = {state_.history.headed >> newer, state_.history.plain >> newer};
  if (complete == cut_record_) {
    after = cut_state_;
  } else {
    state_ = JoinState{};
    remember(complete - 1);
    after = state_;
  }
  after.history = history;
  return complete;
}

}  // namespace telltale::pipeline
