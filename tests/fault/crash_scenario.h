// Crash points, enumerated: a scenario is run once for each operation on files that it does, with the power going off before or after that
// operation and what was not synced treated in each way that a disk may treat it; then it looks at what is left.
//
// To add one: derive from CrashScenario, call run_crash_points() in a test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/faulty_files.h"

namespace telltale::testing {

// One run. Made anew for each crash point; everything it does must depend on nothing but its files.
class CrashScenario {
 public:
  virtual ~CrashScenario() = default;
  // Before the crash point: its operations are none.
  virtual void prepare(base::testing::FaultyFiles& files) = 0;
  // What is tried. The power may go off at any operation; whatever holds files is let go before it returns.
  virtual void run(base::testing::FaultyFiles& files) = 0;
  // The power is back: opens what is left and compares it with what was promised. One text for each broken promise.
  virtual std::vector<std::string> check(base::testing::FaultyFiles& files) = 0;
};

using ScenarioMaker = std::function<std::unique_ptr<CrashScenario>()>;

struct CrashPoints {
  std::uint64_t points = 0;  // operation, side and policy
  std::vector<std::string> failures;
};

// All policies with several seeds.
std::vector<base::testing::CrashPolicy> all_policies();

// Stops after a few failures. Prints "NAME: crash points: N, failures: F", and the program prints the sum at its end.
CrashPoints run_crash_points(const std::string& name, const ScenarioMaker& make);

}  // namespace telltale::testing
