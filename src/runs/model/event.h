// Events of test runners: what they send to POST /api/v1/runs/{run}/events and what the store keeps, one record an event, whose line is
// the event's JSON. docs/reference/runs.md says what each means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "record/stream.h"
#include "runs/model/run.h"

namespace telltale::runs {

inline constexpr std::size_t max_events_per_request = 1000;
inline constexpr std::size_t max_event_id_bytes = 128;
inline constexpr std::size_t max_file_stem_bytes = 200;

// Ids of events that the engine makes begin so; those of clients never do.
inline constexpr std::string_view engine_event_prefix = "engine:";

enum class OffsetMethod : std::uint8_t { estimated, measured, configured };  // the later the better
std::string_view name_of(OffsetMethod method);
std::optional<OffsetMethod> parse_offset_method(std::string_view name);

struct RunStarted {
  std::string name;
  std::string framework;
  std::string framework_version;
  std::string command;
  std::string folder;
  std::string host;
  std::string environment;
  std::optional<Output> output;
  std::vector<Service> services;
  Lifetime lifetime = Lifetime::connection;
  std::int64_t lease_ns = default_lease_ns;
  bool remote = false;  // added by the engine
  bool operator==(const RunStarted&) const = default;
};
struct RunFinished {
  RunOutcome outcome = RunOutcome::passed;
  std::optional<int> exit_code;
  bool operator==(const RunFinished&) const = default;
};
struct WorkerStarted {
  std::string worker;
  bool operator==(const WorkerStarted&) const = default;
};
struct WorkerFinished {
  std::string worker;
  WorkerOutcome outcome = WorkerOutcome::finished;
  bool operator==(const WorkerFinished&) const = default;
};
struct TestStarted {
  std::string test;
  std::string node_id;
  std::string name;
  std::uint32_t attempt = 1;
  std::string worker;
  std::string file_stem;
  std::string trace_id;  // empty: none
  bool operator==(const TestStarted&) const = default;
};
struct TestFinished {
  std::string test;
  TestOutcome outcome = TestOutcome::passed;
  std::int64_t duration_ns = 0;
  std::string message;
  std::vector<Phase> phases;
  bool operator==(const TestFinished&) const = default;
};
struct TraceNoted {
  std::string test;
  std::string trace_id;
  bool operator==(const TraceNoted&) const = default;
};
// Streams with these labels belong to one test or one worker alone.
struct Isolation {
  record::Labels labels;
  std::string test;  // exactly one of the two is set
  std::string worker;
  bool operator==(const Isolation&) const = default;
};
struct ClockOffset {
  record::Labels labels;       // of the streams it holds for
  std::int64_t offset_ns = 0;  // real time = written time + offset
  std::int64_t uncertainty_ns = 0;
  OffsetMethod method = OffsetMethod::measured;
  bool operator==(const ClockOffset&) const = default;
};
struct Watch {
  std::vector<Service> services;
  std::string test;  // empty: the run's; else these streams are that test's alone
  bool operator==(const Watch&) const = default;
};
// The engine alone: what it had ended goes on, because its client came back. An empty worker is the run.
struct Resumed {
  std::string worker;
  bool operator==(const Resumed&) const = default;
};

using EventBody = std::variant<RunStarted, RunFinished, WorkerStarted, WorkerFinished, TestStarted, TestFinished, TraceNoted, Isolation,
                               ClockOffset, Watch, Resumed>;

struct Event {
  std::string id;                       // unique within the run: an event that comes again is no second one
  UnixNanos time = 0;                   // the client's wall clock
  std::optional<std::int64_t> mono_ns;  // the client's monotonic clock
  EndReason reason = EndReason::none;   // of events that the engine made
  EventBody body;
  bool operator==(const Event&) const = default;
};

// "run_started" "test_finished"…
std::string_view type_name(const EventBody& body);

// The body of the request: {"events":[…]}, 1 to 1000 of them. malformed_request for what is no JSON; invalid_argument names the event's
// index, the member, and what is allowed. Members that only the engine may set are ignored, as unknown ones are.
base::Result<std::vector<Event>> parse_events(std::string_view body);
// One event as the client sends it or, with `stored`, as append_event wrote it. `index` is for messages.
base::Result<Event> parse_event(std::string_view json, std::size_t index = 0, bool stored = false);
// Appends the event as JSON on one line, members in a fixed order: equal events give equal text. parse_event(…, stored) is its inverse.
void append_event(std::string& out, const Event& event);

}  // namespace telltale::runs
