#include "pipeline/join/batch_join.h"

namespace telltale::pipeline {
namespace {

constexpr std::size_t most_blanks = 2;
constexpr std::uint8_t most_loose = 32;

// Traces that loggers write below their line. What a runtime writes when a program ends ("panic: ", "Exception in thread") is none: the
// line before it tells of something else.
bool is_written_by_loggers(Trace trace) {
  return trace == Trace::frames || trace == Trace::python || trace == Trace::go_stack || trace == Trace::php;
}

// Below these, a line that no grammar knows may be more of a message.
bool takes_loose_lines(Trace trace) {
  switch (trace) {
    case Trace::announced:
    case Trace::frames:
    case Trace::cause:
    case Trace::python:
    case Trace::python_end:
    case Trace::python_chain:
    case Trace::go_stack:
    case Trace::php:
      return true;
    default:
      return false;
  }
}

}  // namespace

void BatchJoin::take(std::size_t i) {
  const std::string_view line = line_of(i);
  if (is_open() && goes_on(i, line)) return;
  close();
  if (!may_join(text_.data() + records_[i].line.offset) || is_blank(line)) return keep(i);
  if (is_indent(line[0])) return begin_indented(i, line);
  begin_unindented(i, line);
}

bool BatchJoin::goes_on(std::size_t i, std::string_view line) {
  prior_ = state_;
  prior_.waiting = waiting();
  if (is_blank(line)) {
    if (!takes_blank(state_.trace) || state_.blanks == most_blanks) return false;
    if (!wait(i)) return false;
    ++state_.blanks;
    return true;
  }
  if (!is_indent(line[0])) return goes_on_unindented(i, line);
  const Trace next = step_indented(state_.trace, line);
  if (next == Trace::closed || (state_.blanks > 0 && next == Trace::python_end)) return false;
  state_.trace = next;
  extend(i);
  return true;
}

bool BatchJoin::goes_on_unindented(std::size_t i, std::string_view line) {
  if (begins_with_time(line)) return false;
  Trace next = state_.trace;
  const Step answer = step(next, line, state_.blanks > 0);
  if (answer != Step::yes) {
    if (is_structured(line) || level_at_start(line) != record::Severity::unset) return false;
    if (answer == Step::maybe) {
      state_.blanks = 0;
      return wait(i);
    }
    if (answer == Step::no && !goes_on_loosely(line)) return false;
  }
  state_.trace = next;
  extend(i);
  if (next == Trace::closed) close();
  return true;
}

// In a stream in which every record has a head, a line without one that follows a trace is more of its message.
bool BatchJoin::goes_on_loosely(std::string_view line) {
  if (!takes_loose_lines(state_.trace) || !state_.headed || !state_.pure || waiting() > 0 || state_.loose == most_loose) return false;
  if (may_join(line.data()) && trace_begun_by(line) != Trace::none) return false;
  ++state_.loose;
  return true;
}

bool BatchJoin::wait(std::size_t i) {
  if (waiting() == most_tentative) return false;
  if (heads_ + tentative_ != i) records_[heads_ + tentative_] = records_[i];
  ++tentative_;
  return true;
}

void BatchJoin::close() {
  const bool traced = is_open() && state_.trace != Trace::block && state_.trace != Trace::ruby_logger;
  if (traced && heads_ > 0) traced_ = heads_ - 1;
  heads_ += tentative_;
  wait_no_more();
  state_.trace = Trace::none;
}

void BatchJoin::begin_unindented(std::size_t i, std::string_view line) {
  const Trace begun = trace_begun_by(line);
  if (begun == Trace::none) return keep(i);
  if (begun == Trace::ruby_logger) return begins_with_time(line) ? open_head(i, line, begun) : keep(i);
  if (!is_written_by_loggers(begun) || line.starts_with("PHP ")) return open_alone(i, begun);
  // An owner without room for all that stands between has no more to do with it than one in the batch before.
  const std::size_t owner = find_owner();
  if (owner != none && (owner + 1 == heads_ || fits(owner, heads_, i))) return open(owner, i, begun);
  if (has_plain_above() && is_told_above(begun, line)) return open(heads_ - 1, i, begun);
  owned_by_earlier(heads_) ? open_late(i, begun) : open_alone(i, begun);
}

// The last record may be the head of a trace without a time.
bool BatchJoin::has_plain_above() const {
  if (heads_ == 0 || traced_ == heads_ - 1) return false;
  const std::string_view above = line_of(heads_ - 1);
  return !is_blank(above) && !is_indent(above[0]) && !is_structured(above) && !look_at_start(above).headed();
}

// "Caused by: …" and "Stack trace:" stand below an exception's own line.
bool BatchJoin::is_told_above(Trace begun, std::string_view line) const {
  return line.starts_with("Stack trace:") || (begun == Trace::frames && is_exception_line(line_of(heads_ - 1)));
}

void BatchJoin::begin_indented(std::size_t i, std::string_view line) {
  const Trace shown = trace_of_indented(line);
  if (heads_ == 0) {
    const bool owned = before_.headed && (shown != Trace::python_end || before_.owner);
    if (!before_open() && owned) return open_late(i, shown);
    return shown == Trace::block ? keep(i) : open_alone(i, shown);
  }
  const std::string_view above = line_of(heads_ - 1);
  const bool alone = above.empty() || is_indent(above[0]) || traced_ == heads_ - 1 || is_structured(above);
  if (alone) return shown == Trace::block ? keep(i) : open_alone(i, shown);
  const LineStart start = look_at_start(above);
  if (!start.headed()) return begin_below_plain(i, shown);
  // The head of an exception group is indented, and may be a program's end.
  if (shown == Trace::python_end && !is_owner(start)) return open_alone(i, shown);
  open(heads_ - 1, i, shown);
}

void BatchJoin::begin_below_plain(std::size_t i, Trace shown) {
  if (shown == Trace::frames) {
    const std::size_t owner = find_owner();
    if (owner != none && fits(owner, heads_, i)) return open(owner, i, shown);
    const std::size_t exception = find_exception();
    open_exception(fits(exception, heads_, i) ? exception : heads_ - 1, owner, i, shown);
    return;
  }
  if (shown != Trace::block) return open_alone(i, shown);
  if (is_regular(heads_)) return open(heads_ - 1, i, shown);
  keep(i);
}

// The record `owner` is full: the exception directly below it goes on with it, as it does when the owner was in the batch before.
void BatchJoin::open_exception(std::size_t head, std::size_t owner, std::size_t i, Trace trace) {
  const std::string_view line = line_of(head);
  const bool owned = is_exception_line(line) && !is_ruby_place(line);
  const bool full = owned && owner != none && owner + 1 == head;
  const bool late = owned && owned_by_earlier(head) && (head + 1 == heads_ || is_pure(0));
  open(head, i, trace);
  if (heads_ != head + 1 || (!full && !late)) return;
  continuations_.push_back({static_cast<std::uint32_t>(head), full ? static_cast<std::uint32_t>(owner) : Continuation::before});
}

// The exception that frames below the last record belong to: its message may have a few lines.
std::size_t BatchJoin::find_exception() const {
  for (std::size_t back = 1; back <= heads_ && back <= most_message_lines; ++back) {
    const std::size_t k = heads_ - back;
    const std::string_view line = line_of(k);
    if (k == traced_ || is_blank(line) || is_indent(line[0]) || is_structured(line) || look_at_start(line).headed()) break;
    if (back > 1 && records_[k].source_lines > 1) break;
    if (is_exception_line(line)) return k;
  }
  return heads_ - 1;
}

// Line i and all between belong to the record `head`.
void BatchJoin::open(std::size_t head, std::size_t i, Trace trace) {
  const LineStart start = look_at_start(line_of(head));
  if (!fits(head, heads_, i)) return open_unfit(head, start, i, trace);
  state_.headed = start.headed();
  state_.owner = is_owner(start);
  state_.pure = is_pure(head + 1);
  state_.loose = 0;
  state_.trace = trace;
  absorb(head, heads_, i);
  heads_ = head + 1;
}

// There is no room for line i in the record `head`.
void BatchJoin::open_unfit(std::size_t head, const LineStart& start, std::size_t i, Trace trace) {
  if (!start.headed() || head + 1 != heads_) return trace == Trace::block ? keep(i) : open_alone(i, trace);
  state_.headed = true;
  state_.owner = is_owner(start);
  state_.trace = Trace::none;
  cut_record_ = heads_;
  cut_state_ = state_;
  state_.pure = is_pure(heads_);
  state_.loose = 0;
  state_.trace = trace;
  go_on_in_new(i, static_cast<std::uint32_t>(head));
}

void BatchJoin::open_alone(std::size_t i, Trace trace) {
  state_.headed = state_.owner = state_.pure = false;
  state_.loose = 0;
  state_.trace = trace;
  keep(i);
}

// A record with a head, below which a trace of its own may stand.
void BatchJoin::open_head(std::size_t i, std::string_view line, Trace trace) {
  const LineStart start = look_at_start(line);
  keep(i);
  state_.headed = start.headed();
  state_.owner = is_owner(start);
  state_.pure = is_pure(heads_);
  state_.loose = 0;
  state_.trace = trace;
}

// Below the last record of the batch before.
void BatchJoin::open_late(std::size_t i, Trace trace) {
  state_.pure = is_pure(0);
  state_.loose = 0;
  state_.trace = trace;
  go_on_in_new(i, Continuation::before);
}

void BatchJoin::extend(std::size_t i) {
  const std::size_t end = heads_ + tentative_;
  if (heads_ == 0 || !fits(heads_ - 1, end, i)) {
    const std::uint32_t of = heads_ == 0 ? Continuation::before : static_cast<std::uint32_t>(heads_ - 1);
    heads_ = end;
    wait_no_more();
    cut_record_ = heads_;
    cut_state_ = prior_;
    return go_on_in_new(i, of);
  }
  absorb(heads_ - 1, end, i);
  wait_no_more();
}

void BatchJoin::go_on_in_new(std::size_t i, std::uint32_t of) {
  keep(i);
  records_[heads_ - 1].flags |= record::flag_joined;
  continuations_.push_back({static_cast<std::uint32_t>(heads_ - 1), of});
}

// Records (head, last) and i become part of `head`.
void BatchJoin::absorb(std::size_t head, std::size_t last, std::size_t i) {
  Record& record = records_[head];
  const auto add = [&](const Record& part) {
    record.line.size = part.line.end() - record.line.offset;
    record.source_lines += part.source_lines;
    record.flags |= part.flags;
  };
  for (std::size_t k = head + 1; k < last; ++k) add(records_[k]);
  add(records_[i]);
  record.flags |= record::flag_joined;
  record.body = record.line;
  joined_ = true;
}

bool BatchJoin::fits(std::size_t head, std::size_t last, std::size_t i) const {
  std::uint64_t lines = records_[head].source_lines + std::uint64_t{1};
  for (std::size_t k = head + 1; k < last; ++k) lines += records_[k].source_lines;
  return lines <= options_.max_lines && records_[i].line.end() - records_[head].line.offset <= options_.max_bytes;
}

// The record that a trace below the last one belongs to. Other lines may stand between where every record has a head, and one empty line
// between an error and its exception (Tomcat's).
std::size_t BatchJoin::find_owner() {
  for (std::size_t back = 1; back <= heads_ && back <= most_tentative; ++back) {
    const std::size_t k = heads_ - back;
    const std::string_view line = line_of(k);
    if (is_gap_below_error(k)) return is_exception_line(line_of(heads_ - 1)) && back == 2 ? k - 1 : none;
    if (k == traced_ || is_blank(line) || is_indent(line[0]) || is_structured(line)) return none;
    const LineStart start = look_at_start(line);
    if (!start.headed() && records_[k].source_lines > 1) return none;
    if (!start.headed()) continue;
    if (back == 1) return is_owner(start) ? k : none;
    // Ruby's loggers write no exception in the form that a program's end has.
    const std::string_view below = line_of(k + 1);
    if (is_exception_line(below) && !is_ruby_place(below)) return is_owner(start) && (back == 2 || is_pure(k + 1)) ? k : none;
    return start.severity >= record::Severity::error && is_pure(k + 1) ? k : none;
  }
  return none;
}

}  // namespace telltale::pipeline
