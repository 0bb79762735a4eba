#include "pipeline/join/joiner.h"

#include <bit>
#include <limits>
#include <string_view>

#include "pipeline/parse/line_start.h"

namespace telltale::pipeline {

using record::Batch;
using record::Record;

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
constexpr std::size_t most_tentative = 16;  // lines that wait for a later one to say whether they belong
constexpr std::size_t most_blanks = 2;
constexpr std::size_t most_message_lines = 4;
constexpr std::uint8_t most_loose = 32;
constexpr std::size_t history_bits = 64;
constexpr std::uint64_t window = 0xffffffff;  // of the history: this many lines tell what kind of stream it is

bool is_indent(char c) {
  return c == ' ' || c == '\t';
}
bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// A trace that stands below a line of an event that went well is rather a program's end than that event's.
bool is_owner(const LineStart& start) {
  return start.headed() && (start.severity == record::Severity::unset || start.severity >= record::Severity::warn);
}

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

// The joining of one batch. Records [0, heads_) are final, the last of them may be open; [heads_, heads_ + tentative_) are lines that
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

}  // namespace

std::size_t Joiner::join(Batch& batch, Hold hold, std::size_t whole) {
  continuations_.clear();
  has_joined_ = false;
  if (!options_.enabled || batch.records.empty()) return batch.records.size();
  BatchJoin work(batch, options_, state_, continuations_);
  work.run();
  has_joined_ = work.has_joined();
  return work.finish(hold, whole, state_);
}

}  // namespace telltale::pipeline
