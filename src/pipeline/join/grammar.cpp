#include "pipeline/join/grammar.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace telltale::pipeline {
namespace {

constexpr std::size_t reach = 512;  // what identifies a line stands in its first bytes
constexpr std::size_t longest_name = 200;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

bool begins_with(std::string_view line, std::initializer_list<std::string_view> texts) {
  return std::ranges::any_of(texts, [&](std::string_view text) { return line.starts_with(text); });
}

bool contains(std::string_view line, std::string_view text) {
  return line.substr(0, reach).find(text) != std::string_view::npos;
}

std::size_t count_digits(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// "goroutine 17 [running]:"
bool is_goroutine(std::string_view line) {
  static constexpr std::string_view word = "goroutine ";
  if (!line.starts_with(word)) return false;
  const std::size_t digits = count_digits(line, word.size());
  return digits > 0 && line.substr(word.size() + digits).starts_with(" [");
}

// "main.(*T).run(0xc000, {0x1, 0x2})", "created by main.main in goroutine 1", "...additional frames elided..."
bool is_go_call(std::string_view line) {
  if (begins_with(line, {"created by ", "...", "[originating from "})) return true;
  const std::string_view head = line.substr(0, reach);
  const std::size_t bracket = head.find('(');
  if (bracket == std::string_view::npos || bracket == 0 || (line.back() != ')' && line.size() < reach)) return false;
  const std::size_t space = head.find(' ');
  return space == std::string_view::npos || space > bracket;
}

// "rip    0x45f4a1"
bool is_register(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && at < 8 && (is_lower(line[at]) || is_digit(line[at]))) ++at;
  const std::size_t name = at;
  while (at < line.size() && line[at] == ' ') ++at;
  return name >= 2 && at > name && line.substr(at).starts_with("0x");
}

// "#0 /srv/app.php(12): run()", "#1  0x0000 in main () at a.c:3"
bool is_numbered_frame(std::string_view line) {
  const std::size_t digits = line.starts_with('#') ? count_digits(line, 1) : 0;
  return digits > 0 && digits < 5 && line.substr(1 + digits).starts_with(' ');
}

// "/app/main.js:12", "node:internal/errors:490", "file:///app/main.mjs:3"
bool is_source_place(std::string_view line) {
  if (line.size() > reach || !begins_with(line, {"/", "node:", "file:///"})) return false;
  const std::size_t colon = line.rfind(':');
  return colon != std::string_view::npos && colon + 1 < line.size() && count_digits(line, colon + 1) == line.size() - colon - 1;
}

// "==17==ERROR: AddressSanitizer", "==17==ABORTING": the text behind the process's number; empty when there is none.
std::string_view behind_process(std::string_view line) {
  if (!line.starts_with("==")) return {};
  const std::size_t digits = count_digits(line, 2);
  if (digits == 0 || !line.substr(2 + digits).starts_with("==")) return {};
  return line.substr(4 + digits);
}

bool is_rule_of_equals(std::string_view line) {
  return line.size() >= 18 && line.size() < 100 && line.find_first_not_of('=') == std::string_view::npos;
}

bool is_sanitizer_head(std::string_view line) {
  const std::string_view text = behind_process(line);
  if (begins_with(text, {"ERROR: ", "WARNING: MemorySanitizer"}) && contains(text, "Sanitizer")) return true;
  return begins_with(line, {"WARNING: ThreadSanitizer: ", "WARNING: DATA RACE"});
}

constexpr std::string_view python_head = "Traceback (most recent call last):";
constexpr std::string_view group_head = "+ Exception Group Traceback (most recent call last):";

struct Beginning {
  std::string_view text;
  Trace trace;
};
// Texts that begin a trace by themselves.
constexpr std::array beginnings{
    Beginning{python_head, Trace::python},
    Beginning{"Traceback (innermost last):", Trace::python},
    Beginning{"Exception in thread ", Trace::announced},
    Beginning{"Exception ignored in", Trace::announced},
    Beginning{"Exception in callback ", Trace::announced},
    Beginning{"Task exception was never retrieved", Trace::announced},
    Beginning{"Future exception was never retrieved", Trace::announced},
    Beginning{"Unhandled exception", Trace::announced},
    Beginning{"Unhandled Exception:", Trace::announced},
    Beginning{"Fatal Python error: ", Trace::python_fatal},
    Beginning{"Current thread 0x", Trace::python_fatal},
    Beginning{"panic: ", Trace::go},
    Beginning{"fatal error: ", Trace::go},
    Beginning{"unexpected fault address 0x", Trace::go},
    Beginning{"runtime: goroutine stack exceeds ", Trace::go},
    Beginning{"SIGQUIT: quit", Trace::go},
    Beginning{"SIGABRT: abort", Trace::go},
    Beginning{"SIGSEGV: segmentation violation", Trace::go},
    Beginning{"PHP Fatal error:", Trace::php},
    Beginning{"Fatal error: Uncaught ", Trace::php},
    Beginning{"PHP Warning:  Uncaught ", Trace::php},
    Beginning{"[stacktrace]", Trace::php},
    Beginning{"Stack trace:", Trace::php},
    Beginning{"E, [", Trace::ruby_logger},
    Beginning{"F, [", Trace::ruby_logger},
    Beginning{"terminate called after throwing an instance of ", Trace::announced},
    Beginning{"Caused by: ", Trace::frames},
};

using PairSet = std::array<std::uint64_t, 1024>;  // a bit for each two bytes

constexpr void add_pair(PairSet& set, char first, char second) {
  const unsigned pair = static_cast<unsigned char>(first) * 256u + static_cast<unsigned char>(second);
  set[pair / 64] |= std::uint64_t{1} << (pair % 64);
}

constexpr PairSet make_pairs() {
  PairSet set{};
  for (const Beginning& beginning : beginnings) add_pair(set, beginning.text[0], beginning.text[1]);
  for (const std::string_view other : {"go", "th", "==", "WA", "{\n", "{\r", "no", "fi"}) add_pair(set, other[0], other[1]);
  for (const char first : {' ', '\t', '/', '"'}) {
    for (unsigned second = 0; second < 256; ++second) add_pair(set, first, static_cast<char>(second));
  }
  return set;
}
constexpr PairSet pairs = make_pairs();

// The last bytes of a name that tell of something thrown.
bool names_an_exception(std::string_view name) {
  for (const std::string_view end : {"Error", "Exception", "Throwable", "Warning", "Interrupt", "Exit", "Failure", "Fault", "Group"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

struct Name {
  std::size_t size = 0;
  bool dotted = false;
  bool upper = false;
};

// A class with its packages or modules.
Name read_name(std::string_view line) {
  Name name;
  for (; name.size < line.size() && name.size < longest_name; ++name.size) {
    const char c = line[name.size];
    const bool separator = c == '.' || c == '$' || c == '\\' || c == '/' || (c == ':' && line.substr(name.size).starts_with("::"));
    if (separator && name.size == 0) break;
    if (c == ':' && separator) ++name.size;
    name.dotted |= separator;
    name.upper |= is_upper(c);
    if (!separator && !is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_') break;
  }
  name.size = std::min(name.size, line.size());
  return name;
}

// "ValueError: text", "requests.exceptions.HTTPError", "KeyError: 'a'": below Python's frames nearly everything is one.
bool is_python_exception(std::string_view line) {
  const Name name = read_name(line);
  if (name.size == 0 || is_digit(line[0])) return false;
  return name.size == line.size() ? name.dotted || name.upper : line[name.size] == ':';
}

Step step_frames(Trace& trace, std::string_view line, bool after_blank) {
  if (after_blank) {
    if (line.starts_with("Node.js v")) {
      trace = Trace::closed;
      return Step::yes;
    }
    if (line.starts_with("SUMMARY: UndefinedBehaviorSanitizer")) {
      trace = Trace::closed;
      return Step::yes;
    }
    return begins_with(line, {"Caused by:", "Stack backtrace:"}) ? Step::yes : Step::no;
  }
  if (begins_with(line, {"Caused by:", "Suppressed: ", "Wrapped by: "})) {
    trace = Trace::cause;
    return Step::yes;
  }
  if (trace == Trace::cause) return Step::maybe;
  if (begins_with(line, {"... ", "--- End of "})) return Step::yes;
  if (line == "}" || line == "]" || line == "})" || is_ruby_place(line)) return Step::yes;
  return Step::no;
}

Step step_announced(Trace& trace, std::string_view line, bool after_blank) {
  if (line.starts_with(python_head)) {
    trace = Trace::python;
    return Step::yes;
  }
  if (after_blank) return Step::no;
  if (is_exception_line(line)) {
    trace = Trace::cause;
    return Step::yes;
  }
  return begins_with(line, {"future: <", "handle: <", "Caused by:"}) ? Step::yes : Step::no;
}

Step step_python(Trace& trace, std::string_view line, bool after_blank) {
  switch (trace) {
    case Trace::python:
      if (after_blank || !is_python_exception(line)) return Step::no;
      trace = Trace::python_end;
      return Step::yes;
    case Trace::python_end:
      if (!begins_with(line, {"During handling of the above exception", "The above exception was the direct cause"})) return Step::no;
      trace = Trace::python_chain;
      return Step::yes;
    default:
      if (!line.starts_with(python_head)) return Step::no;
      trace = Trace::python;
      return Step::yes;
  }
}

Step step_go(Trace& trace, std::string_view line, bool after_blank) {
  if (is_goroutine(line) || line.starts_with("runtime stack:")) {
    trace = Trace::go_stack;
    return Step::yes;
  }
  if (trace == Trace::go_stack) {
    if (is_register(line)) return Step::yes;
    return !after_blank && is_go_call(line) ? Step::yes : Step::no;
  }
  if (begins_with(line, {"[signal ", "panic: ", "fatal error: ", "[recovered", "PC=", "sp=0x", "runtime: "})) return Step::yes;
  return Step::maybe;
}

Step step_rust(Trace& trace, std::string_view line, bool after_blank) {
  if (line.starts_with("stack backtrace:") || line.starts_with("note: ")) {
    trace = Trace::rust_stack;
    return Step::yes;
  }
  if (trace == Trace::rust_stack || after_blank) return Step::no;
  if (trace == Trace::rust_text) return Step::maybe;
  trace = Trace::rust_text;
  return Step::weak;
}

Step step_php(std::string_view line, bool after_blank) {
  if (line.starts_with("Next ")) return contains(line, " in ") ? Step::yes : Step::no;
  if (after_blank) return line.starts_with("Stack trace:") ? Step::yes : Step::no;
  const bool known = is_numbered_frame(line) || begins_with(line, {"Stack trace:", "[stacktrace]", "[previous exception]", "\"}"});
  return known ? Step::yes : Step::no;
}

Step step_sanitizer(Trace& trace, std::string_view line) {
  if (trace == Trace::rule) {
    if (!is_sanitizer_head(line)) return Step::no;
    trace = Trace::sanitizer;
    return Step::yes;
  }
  if (behind_process(line).starts_with("ABORTING") || is_rule_of_equals(line)) {
    trace = Trace::closed;
    return Step::yes;
  }
  if (line.starts_with("SUMMARY: ")) {
    trace = Trace::sanitizer_end;
    return Step::yes;
  }
  if (trace == Trace::sanitizer) return Step::weak;
  return begins_with(line, {"Shadow byte", "=>0x", "HINT: ", "Exiting"}) || !behind_process(line).empty() ? Step::yes : Step::no;
}

Step step_block(Trace& trace, std::string_view line, bool after_blank) {
  if (after_blank) return Step::no;
  if (line.starts_with("Caused by:")) {
    trace = Trace::cause;
    return Step::yes;
  }
  return line.size() <= 3 && (line[0] == '}' || line[0] == ']' || line[0] == ')') ? Step::yes : Step::no;
}

Step step_json(Trace& trace, std::string_view line) {
  if (line != "}" && line != "},") return line[0] == ']' || line[0] == '}' ? Step::yes : Step::no;
  trace = Trace::closed;
  return Step::yes;
}

}  // namespace

bool may_join(const char* line) {
  const unsigned pair = static_cast<unsigned char>(line[0]) * 256u + static_cast<unsigned char>(line[1]);
  return (pairs[pair / 64] >> (pair % 64) & 1) != 0;
}

Trace trace_begun_by(std::string_view line) {
  for (const Beginning& beginning : beginnings) {
    if (line.starts_with(beginning.text)) return beginning.trace;
  }
  switch (line[0]) {
    case 'g':
      return is_goroutine(line) ? Trace::go_stack : Trace::none;
    case 't':
      if (!line.starts_with("thread '") || !contains(line, " panicked at ")) return Trace::none;
      return line.ends_with(':') ? Trace::rust : Trace::rust_stack;  // older programs put the message in the same line
    case '=':
    case 'W':
      if (is_rule_of_equals(line)) return Trace::rule;
      return is_sanitizer_head(line) ? Trace::sanitizer : Trace::none;
    case '{':
      return line == "{" ? Trace::json : Trace::none;
    case '/':
    case 'n':
    case 'f':
      return is_source_place(line) ? Trace::node_place : Trace::none;
    case '"':
      return contains(line, " tid=0x") ? Trace::frames : Trace::none;  // a thread of a JVM's dump
    default:
      return Trace::none;
  }
}

Trace trace_of_indented(std::string_view line) {
  const std::size_t indent = line.find_first_not_of(" \t");
  if (indent == std::string_view::npos) return Trace::block;
  const std::string_view text = line.substr(indent, reach);
  if (text.starts_with("File \"") && contains(text, "\", line ")) return Trace::python;
  if (text.starts_with(python_head)) return Trace::python;
  if (text.starts_with(group_head)) return Trace::python_end;  // all of a group is indented
  if (text.starts_with("at ")) {
    const bool place = text.find('(') != std::string_view::npos || (is_digit(text.back()) && text.find(':') != std::string_view::npos);
    return place ? Trace::frames : Trace::block;
  }
  if (text.starts_with("from ") && is_ruby_place(text)) return Trace::frames;
  if (text.starts_with("... ") && count_digits(text, 4) > 0) return Trace::frames;
  if (is_numbered_frame(text) || begins_with(text, {"--- End of inner ", "what():  ", "[CIRCULAR REFERENCE"})) return Trace::frames;
  return contains(text, ") called at ") ? Trace::frames : Trace::block;
}

Step step(Trace& trace, std::string_view line, bool after_blank) {
  switch (trace) {
    case Trace::none:
    case Trace::closed:
      return Step::no;
    case Trace::block:
      return step_block(trace, line, after_blank);
    case Trace::announced:
      return step_announced(trace, line, after_blank);
    case Trace::frames:
    case Trace::cause:
      return step_frames(trace, line, after_blank);
    case Trace::ruby_logger:
      if (after_blank || !is_ruby_place(line)) return Step::no;
      trace = Trace::frames;
      return Step::yes;
    case Trace::python:
    case Trace::python_end:
    case Trace::python_chain:
      return step_python(trace, line, after_blank);
    case Trace::python_fatal:
      return begins_with(line, {"Current thread 0x", "Thread 0x", "Extension modules: ", "Python runtime state: ", "<no Python frame>"})
                 ? Step::yes
                 : Step::no;
    case Trace::go:
    case Trace::go_stack:
      return step_go(trace, line, after_blank);
    case Trace::rust:
    case Trace::rust_text:
    case Trace::rust_stack:
      return step_rust(trace, line, after_blank);
    case Trace::php:
      return step_php(line, after_blank);
    case Trace::rule:
    case Trace::sanitizer:
    case Trace::sanitizer_end:
      return step_sanitizer(trace, line);
    case Trace::node_place:
      return Step::no;
    case Trace::node_source:
      trace = Trace::frames;
      return Step::yes;
    case Trace::json:
      return after_blank ? Step::no : step_json(trace, line);
  }
  return Step::no;
}

Trace step_indented(Trace trace, std::string_view line) {
  switch (trace) {
    case Trace::none:
    case Trace::rule:
      return Trace::closed;
    case Trace::node_place:
      return Trace::node_source;
    case Trace::cause:
      return Trace::frames;
    case Trace::block:
    case Trace::announced:
    case Trace::ruby_logger:
    case Trace::python_chain: {
      const Trace shown = trace_of_indented(line);
      return shown == Trace::block ? trace : shown;
    }
    default:
      return trace;
  }
}

bool takes_blank(Trace trace) {
  switch (trace) {
    case Trace::none:
    case Trace::closed:
    case Trace::rule:
    case Trace::node_place:
    case Trace::ruby_logger:
    case Trace::python:
    case Trace::json:
      return false;
    default:
      return true;
  }
}

bool is_ruby_place(std::string_view line) {
  const std::string_view head = line.substr(0, reach);
  for (std::size_t at = head.find(":in "); at != std::string_view::npos; at = head.find(":in ", at + 1)) {
    if (at > 0 && is_digit(head[at - 1]) && at + 4 < head.size() && (head[at + 4] == '`' || head[at + 4] == '\'')) return true;
  }
  return false;
}

bool is_mostly_alone(Trace trace) {
  return trace == Trace::ruby_logger || trace == Trace::rule || trace == Trace::node_place;
}

bool is_exception_line(std::string_view line) {
  if (line.empty()) return false;
  if (line.starts_with("Uncaught ")) line.remove_prefix(9);
  const Name name = read_name(line);
  const std::string_view rest = line.substr(name.size);
  const bool ends = rest.empty() || rest.starts_with(":") || rest.starts_with(" [");
  if (name.size > 0 && ends && name.upper && (name.dotted || names_an_exception(line.substr(0, name.size)))) return true;
  return is_ruby_place(line);
}

}  // namespace telltale::pipeline
