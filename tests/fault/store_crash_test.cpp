// Crash points of the store: append, open, recover, rotate, retention, quarantine, failed syncs, full disks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/crash_scenario.h"
#include "tests/fault/store_scenario.h"

namespace telltale::testing {
namespace {

using base::ErrorCode;
using base::nanos_per_second;
using base::testing::CrashPolicy;
using base::testing::FaultyFiles;
using base::testing::FileOperation;
using base::testing::UnsyncedData;
using base::testing::UnsyncedEntries;
using store::StoreOptions;
using store::testing::TestStore;

class Opening final : public StoreScenario {
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.push(store, "api", 3);
      flush(store, true);
      oracle_.push(store, "api", 1);
      oracle_.push(store, "web", 1);
      flush(store, false);
    });
    live(files, [&](TestStore& store) {
      oracle_.restart_from(store);
      oracle_.push(store, "web", 2);
      flush(store, true);
    });
  }
};

class Appending final : public StoreScenario {
  void prepare(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.push(store, "api", 2, 40);
      flush(store, true);
    });
  }
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      for (std::size_t i = 0; i < 6; ++i) {
        oracle_.push(store, "api", i + 1, 40);
        oracle_.push(store, "web", 1, 300);
        flush(store, false);
        oracle_.push(store, events_service, 1, 40);
        if (i % 2 == 0) flush(store, false);  // in a frame of its own, or with what follows
        oracle_.push(store, "api", 1, 40);
        flush(store, i % 3 == 2);
        store.clock.advance(2 * nanos_per_second);
        store.engine->pump();  // syncs and, later, marks
      }
      oracle_.push(store, "web", 1, 300);
    });
  }
};

// The store that is opened was torn by a power cut itself.
class Recovering final : public StoreScenario {
 public:
  explicit Recovering(std::uint64_t seed) : seed_(seed) {}

 private:
  void prepare(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.push(store, "api", 3, 200);
      flush(store, true);
      for (int i = 0; i < 8; ++i) {
        oracle_.push(store, "web", 2, 200);
        flush(store, false);
      }
      files.crash_now();
    });
    files.reboot({.data = UnsyncedData::reorder, .entries = UnsyncedEntries::independent, .granularity = 64, .seed = seed_});
  }
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.restart_from(store);
      oracle_.push(store, "web", 1, 200);
      flush(store, true);
    });
  }
  const std::uint64_t seed_;
};

class Rotating : public StoreScenario {
 protected:
  StoreOptions options() const override {
    StoreOptions options = StoreScenario::options();
    options.segment_bytes = 1500;
    options.compress = false;
    return options;
  }
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      for (int i = 0; i < 6; ++i) {
        oracle_.push(store, "api", 2, 300);
        flush(store, i % 2 == 1);
        oracle_.push(store, events_service, 1, 300);
        flush(store, false);
      }
    });
  }
};

class Retaining final : public Rotating {
  StoreOptions options() const override {
    StoreOptions options = Rotating::options();
    options.retention_bytes = 16 * 1024;
    return options;
  }
  void run(FaultyFiles& files) override {
    oracle_.allow_removed_front();
    live(files, [&](TestStore& store) {
      for (int i = 0; i < 14; ++i) {
        oracle_.push(store, "api", 3, 600);
        flush(store, i % 4 == 3);
      }
    });
  }
};

// Bytes that were durable are damaged: what they held is lost and told, all else stays.
class Quarantining final : public StoreScenario {
  void prepare(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      for (int i = 0; i < 5; ++i) {
        oracle_.push(store, "api", 1, 100);
        flush(store, true);
      }
      oracle_.push(store, "web", 1, 100);
      flush(store, true);
      static_cast<void>(store.engine->close());
    });
    damaged_ = true;
    damage_line(files, "api line 3");
    oracle_.allow_lost("api", 3);
  }
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.push(store, "api", 1, 100);
      flush(store, true);
    });
    live(files, [&](TestStore& store) {
      oracle_.restart_from(store);
      oracle_.push(store, "api", 1, 100);
      flush(store, true);
    });
  }
  std::vector<std::string> check(FaultyFiles& files) override {
    std::vector<std::string> failures = StoreScenario::check(files);
    TestStore store(files, options());
    if (auto opened = store.open(); !opened) return {"it does not open a second time: " + opened.error().message()};
    if (const auto gaps = store.engine->stats().gaps; gaps != 1) failures.push_back(fmt::format("{} gaps for one damage", gaps));
    return failures;
  }
  StoreOptions options() const override {
    StoreOptions options = StoreScenario::options();
    options.compress = false;
    return options;
  }
  void damage_line(FaultyFiles& files, std::string_view line) {
    const std::string path = store::segment_path("data", 1);
    auto text = base::read_file(files, path, 1 << 20);
    ASSERT_TRUE(text);
    const std::size_t at = text->find(line);
    ASSERT_NE(at, std::string::npos);
    (*text)[at] = 'X';
    ASSERT_TRUE(base::write_file_atomically(files, path, *text));
  }
};

// A sync fails: the segment is left for another one that is written from memory.
class FailingSync final : public StoreScenario {
 public:
  explicit FailingSync(bool at_once) : at_once_(at_once) {}

 private:
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      if (!at_once_) {
        oracle_.push(store, "api", 2);
        flush(store, true);
      }
      oracle_.push(store, "api", 1);
      flush(store, false);
      oracle_.push(store, "web", 1);
      flush(store, false);
      files.fail_next(FileOperation::sync, ErrorCode::io_error);
      flush(store, true);
      store.clock.advance(2 * nanos_per_second);
      oracle_.push(store, "web", 1);
      flush(store, true);
      oracle_.push(store, "web", 1);
      flush(store, false);
    });
  }
  const bool at_once_;
};

// The disk is full for a while.
class FullDisk final : public StoreScenario {
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      oracle_.push(store, "api", 2, 500);
      flush(store, true);
      files.limit_bytes(1024 * 1024 + 4000);
      for (int i = 0; i < 8; ++i) {
        oracle_.push(store, "api", 2, 500);
        flush(store, true);
        store.clock.advance(2 * nanos_per_second);
      }
      files.limit_bytes({});
      store.clock.advance(2 * nanos_per_second);
      oracle_.push(store, "web", 1);
      flush(store, true);
    });
    files.limit_bytes({});
  }
  StoreOptions options() const override {
    StoreOptions options = StoreScenario::options();
    options.compress = false;
    return options;
  }
};

TEST(StoreCrashPoints, Open) {
  expect_no_failures("open", [] { return std::make_unique<Opening>(); }, 500);
}
TEST(StoreCrashPoints, Append) {
  expect_no_failures("append", [] { return std::make_unique<Appending>(); }, 500);
}
TEST(StoreCrashPoints, Recover) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    expect_no_failures(fmt::format("recover, seed {}", seed), [seed] { return std::make_unique<Recovering>(seed); }, 100);
  }
}
TEST(StoreCrashPoints, Rotate) {
  expect_no_failures("rotate", [] { return std::make_unique<Rotating>(); }, 500);
}
TEST(StoreCrashPoints, Retention) {
  expect_no_failures("retention", [] { return std::make_unique<Retaining>(); }, 500);
}
TEST(StoreCrashPoints, Quarantine) {
  expect_no_failures("quarantine", [] { return std::make_unique<Quarantining>(); }, 300);
}
TEST(StoreCrashPoints, FailedSync) {
  expect_no_failures("failed sync", [] { return std::make_unique<FailingSync>(false); }, 300);
  expect_no_failures("failed sync of a new segment", [] { return std::make_unique<FailingSync>(true); }, 300);
}
TEST(StoreCrashPoints, FullDisk) {
  expect_no_failures("full disk", [] { return std::make_unique<FullDisk>(); }, 300);
}

}  // namespace
}  // namespace telltale::testing
