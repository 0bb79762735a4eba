// What crash scenarios of the store share.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/crash_scenario.h"
#include "tests/fault/store_oracle.h"

namespace telltale::testing {

using base::testing::FaultyFiles;
using store::StoreOptions;
using store::testing::TestStore;

// One store with its oracle through one life: opened, used, lost with the power.
class StoreScenario : public CrashScenario {
 public:
  void prepare(FaultyFiles&) override {}

  std::vector<std::string> check(FaultyFiles& files) override {
    std::vector<std::string> failures;
    {
      TestStore store(files, options());
      store.listeners = {&oracle_};
      if (auto opened = store.open(); !opened) return {"it does not open: " + opened.error().message()};
      failures = oracle_.check(store);
      if (auto closed = store.engine->close(); !closed) failures.push_back("it does not close: " + closed.error().message());
    }
    auto report = store::verify(files, options().folder);
    if (!report) return {"verify: " + report.error().message()};
    for (const store::VerifyProblem& problem : report->problems) {
      if (!damaged_) failures.push_back(fmt::format("verify: {} at {}: {}", problem.segment, problem.offset, problem.what));
    }
    return failures;
  }

 protected:
  virtual StoreOptions options() const {
    StoreOptions options;
    options.folder = "data";
    return options;
  }
  // Opens a store and does `use` with it.
  template <class Use>
  void live(FaultyFiles& files, Use use) {
    TestStore store(files, options());
    store.listeners = {&oracle_};
    if (store.open()) use(store);
  }
  void flush(TestStore& store, bool durable) {
    if (store.engine->flush(durable, 0) && durable) oracle_.acknowledge();
  }

  StoreOracle oracle_;
  bool damaged_ = false;
};

inline void expect_no_failures(const std::string& name, const ScenarioMaker& make, std::uint64_t at_least) {
  const CrashPoints result = run_crash_points(name, make);
  EXPECT_THAT(result.failures, ::testing::IsEmpty());
  // The enumeration found operations at all.
  EXPECT_GE(result.points, at_least);
}

}  // namespace telltale::testing
