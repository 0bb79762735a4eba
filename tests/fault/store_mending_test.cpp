// Crash points of what the store does about damage, and of an opening that comes after an opening that was cut off.
#include <algorithm>

#include "record/gap.h"
#include "tests/fault/store_scenario.h"

namespace telltale::testing {
namespace {

using base::nanos_per_second;
using base::testing::CrashPolicy;
using base::testing::CrashSide;
using base::testing::FileOperation;
using base::testing::UnsyncedData;
using base::testing::UnsyncedEntries;

// A store of several segments that was killed. Then something happens to its files; then it is opened.
class Mending : public StoreScenario {
 protected:
  void prepare(FaultyFiles& files) override {
    live(files, [&](TestStore& store) {
      for (int i = 0; i < 7; ++i) {
        oracle_.push(store, "api", 1, 300);
        flush(store, true);
        oracle_.push(store, "web", 1, 300);
        flush(store, true);
      }
      oracle_.push(store, "web", 1, 300);
      flush(store, false);
      files.crash_now();
    });
    files.reboot({.data = UnsyncedData::keep_all, .entries = UnsyncedEntries::keep_all});
    const auto names = files.list("data/segments");
    ASSERT_TRUE(names);
    ASSERT_GE(names->size(), 4u);
    for (const std::string& name : *names) segments_.push_back("data/segments/" + name);
    happen(files);
  }
  virtual void happen(FaultyFiles& files) = 0;
  void run(FaultyFiles& files) override {
    live(files, [&](TestStore& store) { use(store); });
  }
  void use(TestStore& store) {
    oracle_.restart_from(store);
    static_cast<void>(store.engine->scan({}, {}, [](const record::CommittedBatchRef&) { return store::ScanStep::go_on; }));
    store.engine->look();
    oracle_.push(store, "api", 1, 300);
    flush(store, true);
  }
  std::vector<std::string> check(FaultyFiles& files) override {
    // Damage in an older segment is told once somebody reads it.
    if (auto read = open_and_read(files); !read) return {"it does not open: " + read.error().message()};
    std::vector<std::string> failures = StoreScenario::check(files);
    for (int opening = 0; opening < 2; ++opening) {
      const auto gaps_found = open_and_read(files);
      if (!gaps_found) return {"it does not open again: " + gaps_found.error().message()};
      if (const std::uint64_t gaps = *gaps_found; gaps != expected_gaps_) {
        failures.push_back(fmt::format("{} gaps instead of {} at opening {}", gaps, expected_gaps_, opening + 2));
      }
    }
    return failures;
  }
  // The gaps there are then.
  base::Result<std::uint64_t> open_and_read(FaultyFiles& files) const {
    TestStore store(files, options());
    if (auto opened = store.open(); !opened) return base::pass(opened);
    static_cast<void>(store.engine->scan({}, {}, [](const record::CommittedBatchRef&) { return store::ScanStep::go_on; }));
    store.engine->look();
    if (auto flushed = store.engine->flush(true, 0); !flushed) return base::pass(flushed);
    return store.engine->stats().gaps;
  }
  StoreOptions options() const override {
    StoreOptions options = StoreScenario::options();
    options.segment_bytes = 1500;
    options.compress = false;
    return options;
  }
  // Lines of the segment count as lost.
  void allow_all_of(FaultyFiles& files, const std::string& segment) {
    const std::string text = *base::read_file(files, segment, 1 << 20);
    for (const std::string service : {"api", "web"}) {
      for (std::uint64_t line = 1; line <= 8; ++line) {
        if (text.find(fmt::format("{} line {}.", service, line)) != std::string::npos) oracle_.allow_lost(service, line);
      }
    }
  }
  void replace(FaultyFiles& files, const std::string& path, const std::string& text) {
    ASSERT_TRUE(base::write_file_atomically(files, path, text));
  }

  std::vector<std::string> segments_;
  std::uint64_t expected_gaps_ = 1;
};

// A payload of an older segment: found by reading.
class FlippedBitInAnOlderSegment : public Mending {
  void happen(FaultyFiles& files) override {
    damaged_ = true;
    std::string text = *base::read_file(files, segments_[1], 1 << 20);
    const std::size_t at = text.find(" line ");
    ASSERT_NE(at, std::string::npos);
    allow_all_of(files, segments_[1]);
    text[at] = '#';
    replace(files, segments_[1], text);
  }
};

class RemovedSegment : public Mending {
  void happen(FaultyFiles& files) override {
    damaged_ = true;
    allow_all_of(files, segments_[2]);
    ASSERT_TRUE(files.remove(segments_[2]));
    ASSERT_TRUE(files.sync_directory("data/segments"));
  }
};

class CutSegment : public Mending {
  void happen(FaultyFiles& files) override {
    damaged_ = true;
    allow_all_of(files, segments_[1]);
    const std::string text = *base::read_file(files, segments_[1], 1 << 20);
    replace(files, segments_[1], text.substr(0, text.size() / 2));
  }
};

// The seal is lost and garbage stands in its place: nothing is missing.
class LostSeal : public Mending {
  void happen(FaultyFiles& files) override {
    expected_gaps_ = 0;
    const std::string text = *base::read_file(files, segments_[1], 1 << 20);
    replace(files, segments_[1], text.substr(0, text.size() - 150) + std::string(99, 'x'));
  }
};

class Strangers : public Mending {
  void happen(FaultyFiles& files) override {
    expected_gaps_ = 0;
    const std::string text = *base::read_file(files, segments_[1], 1 << 20);
    const auto first = *store::parse_segment_name(base::file_name(segments_[1]));
    replace(files, store::segment_path("data", first + 1), text);
    replace(files, store::segment_path("data", 1'000'000'000), "no segment");
    ASSERT_TRUE(files.remove("data/store.id"));
  }
};

// All at once, after an opening that was cut off at its n-th operation itself.
class OpenedTwice : public Mending {
 public:
  explicit OpenedTwice(std::uint64_t operation) : operation_(operation) {}

 private:
  void happen(FaultyFiles& files) override {
    damaged_ = true;
    expected_gaps_ = 2;
    const std::string cut = *base::read_file(files, segments_[1], 1 << 20);
    allow_all_of(files, segments_[1]);
    replace(files, segments_[1], cut.substr(0, cut.size() / 2));
    std::string flipped = *base::read_file(files, segments_[2], 1 << 20);
    allow_all_of(files, segments_[2]);
    flipped[flipped.find(" line ")] = '#';
    replace(files, segments_[2], flipped);
    replace(files, store::segment_path("data", 1'000'000'000), "no segment");
    files.restart_count();
    files.crash_at(operation_, CrashSide::after);
    live(files, [&](TestStore& store) { use(store); });
    files.crash_now();
    files.reboot({.data = UnsyncedData::reorder, .entries = UnsyncedEntries::independent, .granularity = 64, .seed = operation_});
  }
  const std::uint64_t operation_;
};

// Retention by size goes on while records come, with a disk that is full for a while and the reserve in use.
class RetainingOnAFullDisk final : public StoreScenario {
  void run(FaultyFiles& files) override {
    oracle_.allow_removed_front();
    live(files, [&](TestStore& store) {
      for (int i = 0; i < 10; ++i) {
        if (i == 5) files.limit_bytes(1024 * 1024 + 11'000);
        oracle_.push(store, "api", 2, 500);
        flush(store, true);
        store.clock.advance(61 * nanos_per_second);
        store.engine->pump();
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
    options.segment_bytes = 1500;
    options.retention_bytes = 12 * 1024;
    options.compress = false;
    return options;
  }
};

template <class Scenario>
void expect_mended(const std::string& name, std::uint64_t at_least) {
  expect_no_failures(name, [] { return std::make_unique<Scenario>(); }, at_least);
}

TEST(MendingCrashPoints, FlippedBitInAnOlderSegment) {
  expect_mended<FlippedBitInAnOlderSegment>("flipped bit in an older segment", 300);
}
TEST(MendingCrashPoints, RemovedSegment) {
  expect_mended<RemovedSegment>("removed segment", 300);
}
TEST(MendingCrashPoints, CutSegment) {
  expect_mended<CutSegment>("cut segment", 300);
}
TEST(MendingCrashPoints, LostSeal) {
  expect_mended<LostSeal>("lost seal", 300);
}
TEST(MendingCrashPoints, Strangers) {
  expect_mended<Strangers>("strangers among the segments", 300);
}
TEST(MendingCrashPoints, OpenedTwice) {
  for (const std::uint64_t operation : {3, 8, 13}) {
    expect_no_failures(
        fmt::format("recovery of a recovery that ended at operation {}", operation),
        [operation] { return std::make_unique<OpenedTwice>(operation); }, 300);
  }
}
TEST(MendingCrashPoints, RetentionOnAFullDisk) {
  expect_mended<RetainingOnAFullDisk>("retention on a full disk", 300);
}

}  // namespace
}  // namespace telltale::testing
