// What attribution needs to know of one batch: a small copy, made by the registry under its lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "record/batch.h"
#include "runs/errors/error_view.h"
#include "runs/model/event.h"
#include "runs/model/run.h"

namespace telltale::runs {

// time + nanos; the ends of the range stand for "ever" and "never" and stay.
inline UnixNanos add_nanos(UnixNanos time, std::int64_t nanos) {
  if (time == INT64_MIN || time == INT64_MAX) return time;
  UnixNanos sum = 0;
  if (!__builtin_add_overflow(time, nanos, &sum)) return sum;
  return nanos < 0 ? INT64_MIN : INT64_MAX;
}

// A span of time, both ends inside.
struct TimeSpan {
  UnixNanos from = INT64_MIN;
  UnixNanos to = INT64_MAX;
  bool meets(const TimeSpan& other) const { return from <= other.to && other.from <= to; }
  TimeSpan widened(std::int64_t before_ns, std::int64_t after_ns) const { return {add_nanos(from, -before_ns), add_nanos(to, after_ns)}; }
  bool operator==(const TimeSpan&) const = default;
};

// A clock's difference: real time = written time + offset ± uncertainty.
struct ClockCorrection {
  std::int64_t offset_ns = 0;
  std::int64_t uncertainty_ns = 0;
  OffsetMethod method = OffsetMethod::configured;
  bool operator==(const ClockCorrection&) const = default;
};

// Whether replacing `known` by `estimate` is worth an event: it is new, or one of its bounds has moved by more than a tenth of what it
// leaves open, or by 20 ms where that is more.
bool differs_materially(const std::optional<ClockCorrection>& known, const ClockCorrection& estimate);

struct WindowTest {
  TestKeyRef key;
  TimeSpan span;          // `to` is INT64_MAX while it runs
  std::uint32_t run = 0;  // index into Window::runs
};

struct WindowRun {
  std::string id;
  std::string service;  // the run's name for the stream
  TimeSpan span;
  std::string worker;                         // the stream is this worker's alone; empty: no, or several workers'
  std::shared_ptr<const ErrorView> errors{};  // by the run's own patterns; null: it has none. Second owner: the run's ledger
};

// The runs whose scope holds the stream, their tests that may have been running when its records were written, and those that an id or a
// trace id of a record means. Plain data: attribute() is a pure function of it.
struct Window {
  std::vector<WindowRun> runs;
  std::vector<WindowTest> tests;  // by start
  std::optional<ClockCorrection> clock;
  std::shared_ptr<const ErrorView> errors{};  // by the patterns that the engine has for the service. Second owner: the registry
  // The stream is these tests' alone, as indices into `tests`; empty: it is not. When it is a worker's alone, `tests` are that worker's.
  std::vector<std::uint32_t> isolated;
  // Test ids and node ids, and trace ids (in lower case), that records carry: the tests they mean.
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> named;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> traced;
  bool empty() const { return runs.empty(); }
};

// How long after its end a test's id or trace in a record is still taken for it.
inline constexpr std::int64_t late_id_ns = 600 * base::nanos_per_second;

// So far before a test's beginning may lie what a timestamp of its records says: the timestamp stands for a minute at the most, and the
// grace is a minute at the most. One that is a day alone is not looked for among a test's records.
inline constexpr std::int64_t index_margin_ns = 120 * base::nanos_per_second;

// How much time one timestamp may stand for.
std::int64_t nanos_of(record::TimeResolution resolution);

// When the record was written, by the engine's clock: what its timestamp, that one's resolution, the stream's clock and the record's
// arrival leave open, and `grace_ns` more on both sides.
TimeSpan time_span(const record::Batch& batch, const record::Record& record, const std::optional<ClockCorrection>& clock,
                   std::int64_t grace_ns);

}  // namespace telltale::runs
