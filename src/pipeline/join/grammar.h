// The grammars of traces: which line begins one, and whether a line goes on with one that is open.
//
// A trace's state is one Trace; nothing else is remembered of it. Indented lines go on with every open trace and are not asked about
// here. All functions look at a bounded number of bytes. The forms, with their programs: docs/reference/joining.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace telltale::pipeline {

// What an open record is and what it expects.
enum class Trace : std::uint8_t {
  none,
  block,          // no trace: lines indented below a head
  announced,      // "Exception in thread …", "Unhandled exception": the exception or its frames follow
  frames,         // Java, .NET, Node, Perl, Ruby
  cause,          // "Caused by: …": more of its message may follow before the frames
  python,         // Traceback …: frames, then the exception
  python_end,     // the exception was there; a chained one may follow
  python_chain,   // "During handling of the above exception …"
  python_fatal,   // faulthandler
  go,             // panic: …
  go_stack,       // goroutine 1 [running]:
  rust,           // thread 'main' panicked at src/main.rs:3:5: the message follows
  rust_text,      // more of the message, or what rust_stack expects
  rust_stack,     // its note or backtrace
  php,            // PHP Fatal error: …, Stack trace:
  ruby_logger,    // E, [2024-03-21T10:30:00.123456 #17] ERROR -- : …: the places follow without indentation
  rule,           // ======: the head of a sanitizer's report
  sanitizer,      // ==17==ERROR: AddressSanitizer: …, WARNING: DATA RACE
  sanitizer_end,  // its SUMMARY was there
  node_place,     // /app/main.js:12: a line of source follows
  node_source,    // and a caret; the error follows
  json,           // "{" alone, to "}" alone
  closed,         // was one and takes no more lines
};

enum class Step : std::uint8_t {
  no,
  yes,
  weak,   // if the line is no head of its own
  maybe,  // weak, and only when a later line says so
};

// Whether a line that begins with these two bytes, its end included, may go on with the line before it or begin a trace. For most lines
// this is all that joining costs.
bool may_join(const char* line);
// What a line without indentation begins; none: nothing.
Trace trace_begun_by(std::string_view line);
// What an indented line is a part of: frames, python, or block when it tells nothing.
Trace trace_of_indented(std::string_view line);

// A line without indentation below an open trace (any but none). `after_blank`: empty lines stand between. Changes the trace when the
// line belongs to it.
Step step(Trace& trace, std::string_view line, bool after_blank);
// The trace after an indented line; closed when that cannot belong to it.
Trace step_indented(Trace trace, std::string_view line);
// Whether empty lines may stand within the trace.
bool takes_blank(Trace trace);

// Whether a record that is only the trace's first line is likely to have all it will have: most such lines are no trace's.
bool is_mostly_alone(Trace trace);

// java.lang.IllegalStateException: text, ValueError: text, Error [ERR_X]: text, app.rb:3:in `f': text (RuntimeError): what may stand above
// frames that come later.
bool is_exception_line(std::string_view line);
// app.rb:3:in `call'
bool is_ruby_place(std::string_view line);

}  // namespace telltale::pipeline
