// What attribution needs to know of one stream within a span of time: a small copy, made by the registry under its lock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runs/model/event.h"
#include "runs/model/run.h"

namespace telltale::runs {

// A span of time, both ends inside.
struct TimeSpan {
  UnixNanos from = INT64_MIN;
  UnixNanos to = INT64_MAX;
  bool meets(const TimeSpan& other) const { return from <= other.to && other.from <= to; }
  bool operator==(const TimeSpan&) const = default;
};

// A clock's difference: real time = written time + offset ± uncertainty.
struct ClockCorrection {
  std::int64_t offset_ns = 0;
  std::int64_t uncertainty_ns = 0;
  OffsetMethod method = OffsetMethod::configured;
  bool operator==(const ClockCorrection&) const = default;
};

struct WindowTest {
  TestKeyRef key;
  TimeSpan span;          // `to` is INT64_MAX while it runs
  bool isolated = false;  // the stream is this test's, or its worker's, alone
  std::uint32_t run = 0;  // index into Window::runs
};

struct WindowRun {
  std::string id;
  std::string service;  // the run's name for the stream
  TimeSpan span;
  std::string worker;     // the stream is this worker's alone; empty: no
  bool isolated = false;  // the stream belongs to a test or a worker of this run
};

// The runs whose scope holds the stream, their tests that meet the span, and those named by an id or a trace id of its records. Plain
// data: attribute() is a pure function of it.
struct Window {
  TimeSpan span;
  std::vector<WindowRun> runs;    // that meet the span, or hold a test below
  std::vector<WindowTest> tests;  // by start
  std::optional<ClockCorrection> clock;
  // Test ids, node ids and trace ids that records of the window carry: the tests they name, as indices into `tests`.
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> named;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> traced;
  bool empty() const { return runs.empty(); }
};

}  // namespace telltale::runs
