// Runs and tests as everybody sees them: plain data, copied out of the registry. Times are in nanoseconds of the engine's clock where
// nothing else is said.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace telltale::runs {

using base::UnixNanos;

inline constexpr std::int64_t default_lease_ns = 600 * base::nanos_per_second;
inline constexpr std::size_t max_message_bytes = 4096;  // of a test's message

enum class RunState : std::uint8_t { running, finished };
enum class RunOutcome : std::uint8_t { none, passed, failed, error, interrupted, no_tests };  // none: running
enum class WorkerOutcome : std::uint8_t { none, finished, crashed };
// none: running
enum class TestOutcome : std::uint8_t { none, passed, failed, error, skipped, xfailed, xpassed, rerun, crashed, interrupted };
enum class PhaseName : std::uint8_t { setup, call, teardown };
enum class Lifetime : std::uint8_t { connection, lease };
// Why the engine ended something that its client did not.
enum class EndReason : std::uint8_t { none, connection_closed, lease_expired, engine_restarted, worker_ended, run_ended };
// Who writes a run's files (spec 1): nobody, the engine, or the client, which reads what it needs over the network.
enum class OutputState : std::uint8_t { none, local, remote };

// The words of the wire and of stored events; "none" for values that are none.
std::string_view name_of(RunState state);
std::string_view name_of(RunOutcome outcome);
std::string_view name_of(WorkerOutcome outcome);
std::string_view name_of(TestOutcome outcome);
std::string_view name_of(PhaseName phase);
std::string_view name_of(Lifetime lifetime);
std::string_view name_of(EndReason reason);
std::string_view name_of(OutputState state);
std::optional<RunState> parse_run_state(std::string_view name);
// Never none.
std::optional<RunOutcome> parse_run_outcome(std::string_view name);
std::optional<WorkerOutcome> parse_worker_outcome(std::string_view name);
std::optional<TestOutcome> parse_test_outcome(std::string_view name);
std::optional<PhaseName> parse_phase_name(std::string_view name);
std::optional<Lifetime> parse_lifetime(std::string_view name);
std::optional<EndReason> parse_end_reason(std::string_view name);

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool is_run_id(std::string_view text);
// 1 to 64 of A-Z a-z 0-9 . _ -
bool is_test_id(std::string_view text);
// 32 hexadecimal digits in lower case, not all zero.
bool is_trace_id(std::string_view text);

// Patterns of detection for one service of one run; the rules are spec 1's.
struct ErrorPatterns {
  std::vector<std::string> add;
  std::vector<std::string> replace;
  std::vector<std::string> ignore;
  bool operator==(const ErrorPatterns&) const = default;
};

// What a run watches: streams of files that match, under the name that the run gives them.
struct Service {
  std::string name;
  std::vector<std::string> files;               // absolute patterns; a stream's label `file` matches one
  std::optional<std::int64_t> clock_offset_ns;  // real time = written time + offset
  std::optional<ErrorPatterns> error_patterns;
  bool operator==(const Service&) const = default;
};

// Where spec 1's files shall go. The nonce proves that both sides see the same folder; it is shown to nobody.
struct Output {
  std::string folder;  // absolute
  std::string nonce;
  bool operator==(const Output&) const = default;
};

struct Phase {
  PhaseName name = PhaseName::call;
  TestOutcome outcome = TestOutcome::none;
  UnixNanos started = 0;
  std::int64_t duration_ns = 0;
  bool operator==(const Phase&) const = default;
};

// Who a test is; never changes, so it is shared by all that name it (the registry, windows, attributions, files).
struct TestKey {
  std::string run;
  std::string id;  // globally unique, header-safe
  std::string node_id;
  std::string name;
  std::string worker;
  std::uint32_t attempt = 1;
};
using TestKeyRef = std::shared_ptr<const TestKey>;

struct Test {
  TestKeyRef key;
  std::string file_stem;
  TestOutcome outcome = TestOutcome::none;
  EndReason ended_by = EndReason::none;  // none: its client, or nobody yet
  UnixNanos started = 0;
  std::optional<UnixNanos> finished;  // none: it runs
  std::int64_t duration_ns = 0;       // by the client's monotonic clock; 0 until it ended
  std::string message;
  std::vector<Phase> phases;
  std::vector<std::string> trace_ids;
};

struct TestCounts {
  std::uint64_t total = 0;
  std::uint64_t running = 0;
  std::array<std::uint64_t, 10> by_outcome{};  // index: TestOutcome
  std::uint64_t of(TestOutcome outcome) const { return by_outcome[static_cast<std::size_t>(outcome)]; }
};

struct Worker {
  std::string id;
  UnixNanos started = 0;
  std::optional<UnixNanos> finished;
  WorkerOutcome outcome = WorkerOutcome::none;
  EndReason ended_by = EndReason::none;
  bool implicit = false;  // it never said that it began: what it runs belongs to the run itself
  bool is_open() const { return !implicit && outcome == WorkerOutcome::none; }
};

struct Run {
  std::string id;
  std::string name;
  std::string framework;
  std::string framework_version;
  std::string command;
  std::string folder;  // the client's working folder
  std::string host;
  std::string environment;
  std::optional<Output> output;
  OutputState output_state = OutputState::none;
  std::vector<Service> services;  // with those of `watch`; empty: everything the engine captures
  Lifetime lifetime = Lifetime::connection;
  std::int64_t lease_ns = default_lease_ns;
  bool remote = false;  // its client is on another machine
  RunState state = RunState::running;
  RunOutcome outcome = RunOutcome::none;
  EndReason ended_by = EndReason::none;
  std::optional<int> exit_code;
  UnixNanos started = 0;
  std::optional<UnixNanos> finished;
  UnixNanos last_event = 0;  // when the engine heard of it last
  bool complete = true;      // false: retention has removed the beginning of its events
  std::vector<Worker> workers;
  TestCounts tests;
};

}  // namespace telltale::runs
