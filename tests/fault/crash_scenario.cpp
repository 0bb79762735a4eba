#include "tests/fault/crash_scenario.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "telemetry/log.h"

namespace telltale::testing {

using base::testing::CrashPolicy;
using base::testing::CrashSide;
using base::testing::FaultyFiles;
using base::testing::MemoryFiles;
using base::testing::UnsyncedData;
using base::testing::UnsyncedEntries;

namespace {

constexpr std::size_t most_failures = 5;

std::string_view name_of(UnsyncedData data) {
  switch (data) {
    case UnsyncedData::lose_all:
      return "lost";
    case UnsyncedData::keep_all:
      return "kept";
    case UnsyncedData::prefix:
      return "torn";
    case UnsyncedData::reorder:
      return "reordered";
  }
  return "?";
}

std::string describe(std::uint64_t operation, CrashSide side, const CrashPolicy& policy, const std::vector<std::string>& journal) {
  const std::string what = operation <= journal.size() ? journal[operation - 1] : "?";
  return fmt::format("{} operation {} ({}), unsynced data {} by {} bytes, entries {}, seed {}",
                     side == CrashSide::before ? "before" : "after", operation, what, name_of(policy.data), policy.granularity,
                     static_cast<int>(policy.entries), policy.seed);
}

// False when the scenario ends before the operation.
bool try_point(const ScenarioMaker& make, std::uint64_t operation, CrashSide side, const CrashPolicy& policy, CrashPoints& out) {
  MemoryFiles disk;
  FaultyFiles files(disk);
  auto scenario = make();
  scenario->prepare(files);
  files.restart_count();
  files.crash_at(operation, side);
  scenario->run(files);
  if (!files.crashed()) return false;
  const std::vector<std::string> journal = files.journal();
  files.reboot(policy);
  ++out.points;
  for (const std::string& failure : scenario->check(files)) {
    out.failures.push_back(describe(operation, side, policy, journal) + ": " + failure);
  }
  return true;
}

// What all scenarios of this program tried together, in one line at its end.
class Total final : public ::testing::Environment {
 public:
  void add(const CrashPoints& tried) {
    points_ += tried.points;
    failures_ += tried.failures.size();
  }
  void TearDown() override {
    if (points_ > 0) fmt::print("RESULT crash points: {}, failures: {}\n", points_, failures_);
  }

 private:
  std::uint64_t points_ = 0;
  std::uint64_t failures_ = 0;
};

// GoogleTest owns it, up to the end of the program.
Total& total = *static_cast<Total*>(::testing::AddGlobalTestEnvironment(new Total));

}  // namespace

std::vector<CrashPolicy> all_policies() {
  std::vector<CrashPolicy> out;
  for (const UnsyncedEntries entries : {UnsyncedEntries::lose_all, UnsyncedEntries::keep_all, UnsyncedEntries::independent}) {
    out.push_back({.data = UnsyncedData::lose_all, .entries = entries});
    out.push_back({.data = UnsyncedData::keep_all, .entries = entries});
  }
  for (const UnsyncedData data : {UnsyncedData::prefix, UnsyncedData::reorder}) {
    for (const std::uint32_t granularity : {1u, 64u, 512u}) {
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        out.push_back({.data = data, .entries = UnsyncedEntries::independent, .granularity = granularity, .seed = seed});
      }
    }
  }
  return out;
}

CrashPoints run_crash_points(const std::string& name, const ScenarioMaker& make) {
  telemetry::set_log_level(telemetry::LogLevel::off);  // every point has its errors
  CrashPoints out;
  const std::vector<CrashPolicy> policies = all_policies();
  bool more = true;
  for (std::uint64_t operation = 1; more; ++operation) {
    for (const CrashSide side : {CrashSide::before, CrashSide::after}) {
      for (CrashPolicy policy : policies) {
        policy.seed += operation * 1000;
        more = try_point(make, operation, side, policy, out);
        if (!more || out.failures.size() >= most_failures) break;
      }
      if (!more || out.failures.size() >= most_failures) break;
    }
    if (out.failures.size() >= most_failures) break;
  }
  fmt::print("{}: crash points: {}, failures: {}\n", name, out.points, out.failures.size());
  std::fflush(stdout);
  total.add(out);
  return out;
}

}  // namespace telltale::testing
