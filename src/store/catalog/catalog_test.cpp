#include "store/catalog/catalog.h"

#include <sys/stat.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mutex.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temp_directory.h"
#include "record/gap.h"
#include "store/catalog/sqlite.h"

namespace telltale::store {
namespace {

using base::ErrorCode;
using record::CommittedBatchRef;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::int64_t patience_ns = 60 * base::nanos_per_second;

// The read side of a store in memory, whose oldest records retention can remove.
class MemoryStore final : public StoreReader {
 public:
  explicit MemoryStore(std::string id = "store-1") : id_(std::move(id)) {}

  CommittedBatchRef commit(record::Batch batch) {
    base::MutexLock lock(mutex_);
    auto committed = std::make_shared<const CommittedBatch>(CommittedBatch{next_, std::move(batch)});
    next_ += committed->batch.records.size();
    batches_.push_back(committed);
    return committed;
  }
  void skip_to(Sequence sequence) {
    base::MutexLock lock(mutex_);
    next_ = sequence;
  }
  void remove_oldest(std::size_t batches) {
    base::MutexLock lock(mutex_);
    batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(batches));
  }
  void lose_newest(std::size_t batches) {
    base::MutexLock lock(mutex_);
    batches_.resize(batches_.size() - batches);
  }
  // Scans wait until let_scans_go().
  void hold_scans() {
    base::MutexLock lock(mutex_);
    hold_ = true;
  }
  void let_scans_go() {
    base::MutexLock lock(mutex_);
    hold_ = false;
    changed_.notify_all();
  }
  void fail_scans(bool fail) {
    base::MutexLock lock(mutex_);
    fail_ = fail;
  }

  base::Status scan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) const override {
    std::vector<CommittedBatchRef> batches;
    {
      base::MutexLock lock(mutex_);
      while (hold_) changed_.wait(mutex_);
      if (fail_) return base::fail(ErrorCode::io_error, "the disk does not answer");
      batches = batches_;
    }
    for (const auto& batch : batches) {
      if (batch->last_sequence() < range.from_sequence || batch->first_sequence > range.to_sequence) continue;
      if (filter(*batch->batch.stream) && visitor(batch) == ScanStep::stop) break;
    }
    return {};
  }
  std::vector<StreamRef> streams() const override { return {}; }
  StoreStats stats() const override {
    base::MutexLock lock(mutex_);
    StoreStats stats;
    stats.store_id = id_;
    stats.first_sequence = batches_.empty() ? next_ : batches_.front()->first_sequence;
    stats.next_sequence = next_;
    return stats;
  }
  std::string cursor(Sequence) const override { return {}; }
  base::Result<Sequence> read_cursor(std::string_view) const override { return 0; }

 private:
  const std::string id_;
  mutable base::Mutex mutex_;
  mutable base::Condition changed_;
  bool hold_ TT_GUARDED_BY(mutex_) = false;
  std::vector<CommittedBatchRef> batches_ TT_GUARDED_BY(mutex_);
  Sequence next_ TT_GUARDED_BY(mutex_) = 1;
  bool fail_ TT_GUARDED_BY(mutex_) = false;
};

// `lines` records a nanosecond apart from `time` on; every fifth is an error.
record::Batch batch_of(std::string_view service, int lines, UnixNanos time) {
  record::Batch batch;
  batch.stream = record::make_stream(record::Labels({{"service", std::string(service)}, {"host", "n1"}}));
  for (int i = 0; i < lines; ++i) {
    record::Record record;
    record.observed_time = time + i;
    record.severity = i % 5 == 4 ? record::Severity::error : record::Severity::info;
    batch.records.push_back(record);
  }
  return batch;
}

std::string shown(const StreamSummary& stream) {
  return stream.stream->labels.to_text() + " " + std::to_string(stream.first_sequence) + "-" + std::to_string(stream.last_sequence) +
         " at " + std::to_string(stream.first_observed) + "-" + std::to_string(stream.last_observed) + ": " +
         std::to_string(stream.records) + " records, " + std::to_string(stream.errors) + " errors, " + std::to_string(stream.gaps) +
         " gaps";
}

struct CatalogTest : ::testing::Test {
  std::unique_ptr<Catalog> open(const StoreReader* reader) {
    auto opened = Catalog::open(folder.path(), files, clock, random, reader);
    if (!opened) throw std::runtime_error(opened.error().message());
    return std::move(*opened);
  }
  std::unique_ptr<Catalog> open() { return open(&store); }
  ErrorCode open_error(const StoreReader* reader) {
    const auto opened = Catalog::open(folder.path(), files, clock, random, reader);
    return opened ? ErrorCode::internal : opened.error().code;
  }
  static std::vector<std::string> answers(Catalog& catalog) {
    const auto flushed = catalog.flush(patience_ns);
    EXPECT_TRUE(flushed.has_value()) << flushed.error().message();
    std::vector<std::string> out;
    for (const StreamSummary& stream : catalog.streams()) out.push_back(shown(stream));
    return out;
  }
  // What a catalog says that is made from the segments alone.
  std::vector<std::string> answers_of_a_new_one() {
    const base::testing::TempDirectory empty;
    auto fresh = Catalog::open(empty.path(), files, clock, random, &store);
    return answers(**fresh);
  }
  void commit(Catalog& catalog, record::Batch batch) { catalog.on_commit(store.commit(std::move(batch))); }
  std::string file(std::string_view name = "catalog.sqlite") { return folder.path(name); }
  void overwrite(std::uint64_t keep, std::string_view text) {
    auto out = files.open_write(file(), base::OpenMode::create_or_append);
    ASSERT_TRUE((*out)->truncate(keep).has_value());
    ASSERT_TRUE((*out)->append(std::vector{text}).has_value());
  }

  base::testing::TempDirectory folder;
  base::PosixFiles files;
  base::testing::ManualClock clock;
  base::SystemRandom random;
  MemoryStore store;
};

TEST_F(CatalogTest, KnowsTheStreamsOfWhatIsCommitted) {
  auto catalog = open();
  commit(*catalog, batch_of("api", 10, 1000));
  commit(*catalog, batch_of("db", 2, 1500));
  commit(*catalog, record::make_gap_batch(record::make_stream(record::Labels({{"service", "api"}, {"host", "n1"}})), {}, 1700));
  EXPECT_THAT(answers(*catalog), ElementsAre(R"({host="n1", service="api"} 1-13 at 1000-1700: 10 records, 2 errors, 1 gaps)",
                                             R"({host="n1", service="db"} 11-12 at 1500-1501: 2 records, 0 errors, 0 gaps)"));
}

TEST_F(CatalogTest, ReplaysWhatItHasMissed) {
  {
    auto catalog = open();
    commit(*catalog, batch_of("api", 10, 1000));
    EXPECT_TRUE(catalog->close().has_value());
    commit(*catalog, batch_of("api", 5, 2000));  // after close(): left to the next opening
  }
  store.skip_to(Sequence{1} << 20);
  store.commit(batch_of("late", 3, 3000));
  auto catalog = open();
  EXPECT_THAT(answers(*catalog), SizeIs(2));
  EXPECT_EQ(answers(*catalog), answers_of_a_new_one());
}

TEST_F(CatalogTest, WhatItHasMissedIsKnownToTheFirstWhoAsks) {
  for (int i = 0; i < 100; ++i) store.commit(batch_of("api", 10, 1000 + i));
  store.hold_scans();
  auto catalog = open();
  std::atomic<bool> asks{false};
  const std::jthread later([&] {
    asks.wait(false);
    store.let_scans_go();
  });
  asks = true;
  asks.notify_all();
  EXPECT_THAT(catalog->streams(), SizeIs(1));
}

TEST_F(CatalogTest, ForgetsWhatThePowerCutTookFromTheSegments) {
  {
    auto catalog = open();
    commit(*catalog, batch_of("api", 10, 1000));
    commit(*catalog, batch_of("api", 5, 2000));
    commit(*catalog, batch_of("db", 5, 3000));
    EXPECT_THAT(answers(*catalog), SizeIs(2));
  }
  store.lose_newest(2);
  store.skip_to(Sequence{1} << 20);
  auto catalog = open();
  EXPECT_THAT(answers(*catalog), ElementsAre(HasSubstr("1-10 at 1000-1009: 10 records")));
}

TEST_F(CatalogTest, DeletingTheFileGivesTheSameAnswers) {
  std::vector<std::string> before;
  {
    auto catalog = open();
    for (int i = 0; i < 50; ++i) commit(*catalog, batch_of(i % 3 == 0 ? "api" : "db", 7, 1000 * i));
    before = answers(*catalog);
  }
  for (const char* name : {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}) static_cast<void>(files.remove(file(name)));
  auto catalog = open();
  EXPECT_THAT(before, SizeIs(2));
  EXPECT_EQ(answers(*catalog), before);
}

TEST_F(CatalogTest, FollowsRetentionExactly) {
  auto catalog = open();
  // Batches that cross the borders of parts (2^18 sequences), in several of them.
  store.skip_to((Sequence{1} << 18) - 3);
  commit(*catalog, batch_of("old", 10, 100));
  commit(*catalog, batch_of("api", 10, 200));
  commit(*catalog, batch_of("api", 10, 300));
  store.skip_to((Sequence{3} << 18) - 5);
  commit(*catalog, batch_of("api", 10, 400));
  EXPECT_THAT(answers(*catalog), SizeIs(2));
  EXPECT_EQ(answers(*catalog), answers_of_a_new_one());
  store.remove_oldest(2);
  EXPECT_THAT(answers(*catalog), ElementsAre(HasSubstr("20 records, 4 errors")));
  EXPECT_EQ(answers(*catalog), answers_of_a_new_one());
  commit(*catalog, batch_of("api", 1, 500));
  store.remove_oldest(1);
  EXPECT_EQ(answers(*catalog), answers_of_a_new_one());
}

TEST_F(CatalogTest, AnIndexOfAnotherStoreIsNotBelieved) {
  {
    commit(*open(), batch_of("api", 10, 1000));
  }
  MemoryStore other("store-2");
  auto catalog = open(&other);
  EXPECT_THAT(answers(*catalog), IsEmpty());
}

TEST_F(CatalogTest, AScanThatFailsIsTriedAgainAndReported) {
  store.commit(batch_of("api", 10, 1000));
  store.fail_scans(true);
  auto catalog = open();
  EXPECT_EQ(catalog->flush(patience_ns).error().code, ErrorCode::io_error);
  EXPECT_THAT(catalog->warnings(), ElementsAre(HasSubstr("the disk does not answer")));
  store.fail_scans(false);
  EXPECT_THAT(answers(*catalog), SizeIs(1));
  EXPECT_THAT(catalog->warnings(), IsEmpty());
}

TEST_F(CatalogTest, CommitsFromTheWriterAreCountedOnceWhileItCatchesUp) {
  for (int i = 0; i < 200; ++i) store.commit(batch_of("api", 50, i));
  auto catalog = open();
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) commit(*catalog, batch_of("api", 20, 1000 + i));
  });
  writer.join();
  EXPECT_THAT(answers(*catalog), ElementsAre(HasSubstr(": 20000 records, 4000 errors")));
}

TEST_F(CatalogTest, ATokenIsShownOnceAndItsHolderKnown) {
  auto catalog = open();
  const auto made = catalog->create_token("ci", "ingester", R"({service="api"})");
  ASSERT_TRUE(made.has_value());
  EXPECT_THAT(made->token, ::testing::StartsWith("tt_"));
  EXPECT_EQ(made->token.size(), 46u);
  const auto holder = catalog->check_token(made->token);
  ASSERT_TRUE(holder.has_value());
  EXPECT_EQ(holder->name, "ci");
  EXPECT_EQ(holder->roles, "ingester");
  EXPECT_EQ(holder->scope, R"({service="api"})");
  std::string other = made->token;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(catalog->check_token(other).has_value());
  EXPECT_FALSE(catalog->check_token("").has_value());
  EXPECT_NE(catalog->create_token("ci", "viewer", "")->token, made->token);
}

TEST_F(CatalogTest, ATokenMayHaveSeveralRoles) {
  auto catalog = open();
  const auto made = catalog->create_token("ci", "ingester, viewer,ingester", "");
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->info.roles, "viewer,ingester");
  EXPECT_EQ(catalog->check_token(made->token)->roles, "viewer,ingester");
  for (const std::string_view wrong : {"", "owner", "viewer,", ",viewer", "viewer;ingester", "Viewer"}) {
    const auto refused = catalog->create_token("ci", wrong, "");
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().cause, HasSubstr("is no role"));
  }
}

TEST_F(CatalogTest, TheTextOfATokenIsNowhereOnDisk) {
  std::string token;
  {
    auto catalog = open();
    token = catalog->create_token("ci", "viewer", "")->token;
    EXPECT_TRUE(catalog->check_token(token).has_value());
    for (const auto& name : *files.list(folder.path())) {
      EXPECT_THAT(*base::read_file(files, file(name), 1 << 24), Not(HasSubstr(token))) << name;
    }
  }
  EXPECT_THAT(*base::read_file(files, file(), 1 << 24), HasSubstr("ci")) << "the scan above looks at the right files";
}

TEST_F(CatalogTest, ARevokedTokenIsNobodys) {
  auto catalog = open();
  const auto made = catalog->create_token("ci", "viewer", "");
  EXPECT_TRUE(catalog->revoke_token(made->info.id).has_value());
  EXPECT_FALSE(catalog->check_token(made->token).has_value());
  EXPECT_EQ(catalog->revoke_token(made->info.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(catalog->revoke_token("no-such").error().code, ErrorCode::not_found);
  ASSERT_THAT(catalog->tokens(), SizeIs(1));
  EXPECT_TRUE(catalog->tokens()[0].revoked);
}

TEST_F(CatalogTest, TokensOutliveTheProcessAndAreSharedWithCommands) {
  const std::string early = open(nullptr)->create_token("early", "admin", "")->token;
  auto engine = open();
  EXPECT_TRUE(engine->check_token(early).has_value());
  auto command = open(nullptr);
  const auto late = command->create_token("late", "viewer", "");
  EXPECT_TRUE(engine->flush(patience_ns).has_value());
  EXPECT_TRUE(engine->check_token(late->token).has_value());
  EXPECT_TRUE(command->revoke_token(late->info.id).has_value());
  EXPECT_TRUE(engine->flush(patience_ns).has_value());
  EXPECT_FALSE(engine->check_token(late->token).has_value());
}

TEST_F(CatalogTest, RemembersWhenATokenWasUsed) {
  auto catalog = open();
  const auto made = catalog->create_token("ci", "viewer", "");
  EXPECT_EQ(catalog->tokens()[0].last_used, 0);
  clock.advance(5 * base::nanos_per_second);
  EXPECT_TRUE(catalog->check_token(made->token).has_value());
  EXPECT_TRUE(catalog->flush(patience_ns).has_value());
  EXPECT_EQ(catalog->tokens()[0].last_used, clock.wall());
}

TEST_F(CatalogTest, RefusesNamesThatCannotBeShown) {
  auto catalog = open(nullptr);
  for (const std::string& name : {std::string(), std::string(101, 'x'), std::string("a\nb"), std::string("a\tb")}) {
    EXPECT_EQ(catalog->create_token(name, "viewer", "").error().code, ErrorCode::invalid_argument) << name;
  }
}

TEST_F(CatalogTest, AFileThatIsNoDatabaseIsSetAsideAndRebuilt) {
  store.commit(batch_of("api", 10, 1000));
  overwrite(0, std::string(8192, 'x'));
  EXPECT_EQ(open_error(nullptr), ErrorCode::store_corrupt) << "a command leaves it to the engine";
  auto catalog = open();
  EXPECT_THAT(catalog->warnings(), ElementsAre(HasSubstr("tokens in it are lost")));
  EXPECT_EQ(base::read_file(files, file("catalog.sqlite.damaged-1"), 1 << 20), std::string(8192, 'x'));
  EXPECT_THAT(answers(*catalog), SizeIs(1));
  EXPECT_TRUE(catalog->create_token("ci", "viewer", "").has_value());
}

TEST_F(CatalogTest, ADatabaseThatWasCutIsSetAsideAndRebuilt) {
  {
    auto catalog = open();
    for (int i = 0; i < 300; ++i) commit(*catalog, batch_of("service-" + std::to_string(i), 1, i));
    EXPECT_THAT(answers(*catalog), SizeIs(300));
  }
  overwrite(3 * 4096, std::string(4096, '\xff'));
  auto catalog = open();
  EXPECT_THAT(catalog->warnings(), SizeIs(1));
  EXPECT_THAT(answers(*catalog), SizeIs(300));
}

TEST_F(CatalogTest, AFileOfANewerVersionIsRefused) {
  {
    open(nullptr);
  }
  {
    auto database = Database::open(file(), DatabaseMode::read_write);
    ASSERT_TRUE(database->run("PRAGMA user_version = 99").has_value());
  }
  EXPECT_EQ(open_error(&store), ErrorCode::store_version);
  EXPECT_EQ(open_error(nullptr), ErrorCode::store_version);
}

TEST_F(CatalogTest, TheFileIsItsOwnersAlone) {
  auto catalog = open();
  EXPECT_TRUE(catalog->create_token("ci", "viewer", "").has_value());
  for (const char* name : {"catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat(file(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0077u, 0u) << name;
  }
}

}  // namespace
}  // namespace telltale::store
