// A catalog that lived through kills, retention and damage says what one says that is made from the segments alone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/testing/temp_directory.h"
#include "record/gap.h"
#include "store/catalog/catalog.h"
#include "store/engine/testing/test_store.h"
#include "telemetry/log.h"

namespace telltale::testing {
namespace {

using base::nanos_per_second;
using store::Catalog;
using store::StoreOptions;
using store::StreamSummary;
using store::testing::test_batch;
using store::testing::test_stream;
using store::testing::TestStore;

constexpr std::int64_t patience_ns = 60 * nanos_per_second;

class CatalogHistory {
 public:
  explicit CatalogHistory(std::uint64_t seed) : random_(seed) {}

  void live() {
    for (int life = 0; life < 5; ++life) {
      open();
      if (::testing::Test::HasFatalFailure()) return;
      const std::uint64_t steps = 5 + below(30);
      for (std::uint64_t i = 0; i < steps; ++i) step();
      compare(fmt::format("life {}", life));
      step();  // not in the catalog yet
      if (below(2) == 0) {
        end();
      } else {
        kill();
      }
      if (below(2) == 0) damage();
    }
    open();
    look();
    compare("the last life");
    end();
  }
  std::uint64_t gaps() const { return gaps_; }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::string folder() const { return folders_.back()->path("data"); }

  StoreOptions options() const {
    StoreOptions options;
    options.folder = folder();
    options.segment_bytes = 3000;
    options.retention_bytes = 40'000;
    options.compress = false;
    return options;
  }

  void open() {
    store_ = std::make_unique<TestStore>(files_, options());
    store_->listeners = {&forward_};
    store_->clock.advance(seconds_ * nanos_per_second);
    const auto opened = store_->open();
    ASSERT_TRUE(opened) << opened.error().message();
    auto catalog = Catalog::open(folder(), files_, store_->clock, store_->random, store_->engine.get());
    ASSERT_TRUE(catalog) << catalog.error().message();
    catalog_ = std::move(*catalog);
    forward_.to = catalog_.get();
    look();
  }
  void let_go() {
    forward_.to = nullptr;
    catalog_.reset();
    store_.reset();
  }
  void end() {
    EXPECT_TRUE(catalog_->close());
    EXPECT_TRUE(store_->engine->close());
    let_go();
  }
  // What a process that dies now would leave: the files as they are, in another place.
  void kill() {
    auto next = std::make_unique<base::testing::TempDirectory>();
    std::filesystem::copy(folder(), next->path("data"), std::filesystem::copy_options::recursive);
    let_go();
    folders_.push_back(std::move(next));
  }

  void step() {
    const std::string service = fmt::format("service-{}", below(6));
    switch (below(8)) {
      case 0:
        store_->clock.advance(61 * nanos_per_second);
        seconds_ += 61;
        store_->engine->pump();
        break;
      case 1: {
        record::Gap gap;
        gap.reason = record::GapReason::rotated_away;
        store_->push(record::make_gap_batch(test_stream(service), gap, store_->clock.wall()));
        break;
      }
      case 2:
        static_cast<void>(store_->engine->flush(true, 0));
        break;
      default: {
        record::Batch batch = test_batch(test_stream(service), lines_, 1 + below(5), store_->clock.wall(), below(300));
        for (record::Record& record : batch.records) record.severity = below(4) == 0 ? record::Severity::error : record::Severity::info;
        lines_ += batch.records.size();
        store_->push(std::move(batch));
        EXPECT_TRUE(store_->engine->flush(below(2) == 0, 0));
      }
    }
  }
  // Damage is met by who reads.
  void look() {
    static_cast<void>(store_->engine->scan({}, {}, [](const record::CommittedBatchRef&) { return store::ScanStep::go_on; }));
    store_->engine->look();
    EXPECT_TRUE(store_->engine->flush(true, 0));
  }
  void damage() {
    std::vector<std::string> segments;
    for (const auto& entry : std::filesystem::directory_iterator(folder() + "/segments")) segments.push_back(entry.path());
    std::ranges::sort(segments);
    if (segments.size() < 3) return;
    const std::string& segment = segments[1 + below(segments.size() - 2)];
    if (below(3) == 0) {
      std::filesystem::remove(segment);
      return;
    }
    std::string text = *base::read_file(files_, segment, 1 << 20);
    const std::size_t at = text.find(" line ");
    if (at == std::string::npos) return;
    text[at] = '#';
    EXPECT_TRUE(base::write_file_atomically(files_, segment, text));
  }

  static std::vector<std::string> answers(Catalog& catalog) {
    const auto flushed = catalog.flush(patience_ns);
    EXPECT_TRUE(flushed) << flushed.error().message();
    std::vector<std::string> out;
    for (const StreamSummary& stream : catalog.streams()) {
      out.push_back(fmt::format("{} {}-{} at {}-{}: {} records, {} errors, {} gaps", stream.stream->labels.to_text(), stream.first_sequence,
                                stream.last_sequence, stream.first_observed, stream.last_observed, stream.records, stream.errors,
                                stream.gaps));
    }
    return out;
  }
  void compare(const std::string& about) {
    look();
    const std::vector<std::string> lived = answers(*catalog_);
    const base::testing::TempDirectory empty;
    auto rebuilt = Catalog::open(empty.path(), files_, store_->clock, store_->random, store_->engine.get());
    ASSERT_TRUE(rebuilt);
    EXPECT_EQ(lived, answers(**rebuilt)) << about;
    EXPECT_FALSE(lived.empty());
    gaps_ = store_->engine->stats().gaps;
  }

  struct Forward final : record::CommitListener {
    void on_commit(const record::CommittedBatchRef& batch) override {
      if (to != nullptr) to->on_commit(batch);
    }
    Catalog* to = nullptr;
  };

  std::mt19937_64 random_;
  base::PosixFiles files_;
  std::vector<std::unique_ptr<base::testing::TempDirectory>> folders_ = [] {
    std::vector<std::unique_ptr<base::testing::TempDirectory>> first;
    first.push_back(std::make_unique<base::testing::TempDirectory>());
    return first;
  }();
  Forward forward_;
  std::unique_ptr<TestStore> store_;
  std::unique_ptr<Catalog> catalog_;
  std::uint64_t lines_ = 1;
  std::int64_t seconds_ = 0;
  std::uint64_t gaps_ = 0;
};

TEST(CatalogRebuilt, GivesTheSameAnswersAfterAnyHistory) {
  telemetry::set_log_level(telemetry::LogLevel::off);
  const std::uint64_t seeds = std::getenv("TELLTALE_FULL") != nullptr ? 300 : 8;
  std::uint64_t gaps = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    CatalogHistory history(seed);
    history.live();
    if (::testing::Test::HasFailure()) return;
    gaps += history.gaps();
  }
  EXPECT_GT(gaps, seeds) << "the histories have damage and gaps";
  fmt::print("RESULT catalog rebuilt from segments: {} histories, same answers\n", seeds);
}

}  // namespace
}  // namespace telltale::testing
