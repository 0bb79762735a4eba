#include "store/catalog/catalog.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/mutex.h"
#include "base/task_group.h"
#include "base/text.h"
#include "store/catalog/catalog_file.h"
#include "store/catalog/commit_queue.h"
#include "store/catalog/sqlite.h"
#include "store/catalog/stream_index.h"
#include "store/catalog/token_cache.h"
#include "store/catalog/tokens.h"
#include "telemetry/log.h"

namespace telltale::store {
namespace {

using base::ErrorCode;
using base::Status;
using telemetry::LogLevel;

constexpr std::chrono::nanoseconds tick = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds first_look = std::chrono::seconds(2);  // see Catalog::streams()
constexpr std::int64_t retention_interval_ns = 10 * base::nanos_per_second;
constexpr std::int64_t uses_interval_ns = 60 * base::nanos_per_second;
constexpr std::int64_t scan_write_interval_ns = base::nanos_per_second;
// Digests are about 100 bytes: the queue is at most 1.6 MB and holds several seconds of commits at full speed.
constexpr std::size_t max_digests = 16 * 1024;

class CatalogImpl final : public Catalog {
 public:
  CatalogImpl(OpenedCatalog opened, const base::Clock& clock, base::Random& random, const StoreReader* reader)
      : clock_(clock),
        reader_(reader),
        database_(std::move(opened.database)),
        token_table_(database_, clock, random),
        index_(database_),
        opening_warning_(std::move(opened.warning)),
        queue_(max_digests),
        threads_("catalog") {}

  ~CatalogImpl() override {
    // Who cares for the result has called close().
    static_cast<void>(close());
  }

  Status start() TT_EXCLUDES(database_mutex_) {
    {
      base::MutexLock lock(database_mutex_);
      if (auto loaded = load_tokens(); !loaded) return loaded;
      if (reader_ == nullptr) return {};
      if (auto loaded = index_.load(reader_->stats()); !loaded) return loaded;
    }
    if (opening_warning_) telemetry::log_line(LogLevel::error, "catalog", *opening_warning_);
    threads_.spawn("catalog", [this](std::stop_token) { work(); });
    return {};
  }

  void on_commit(const record::CommittedBatchRef& batch) override { queue_.push(*batch); }

  base::Result<NewToken> create_token(std::string_view name, std::string_view roles, std::string_view scope) override {
    base::MutexLock lock(database_mutex_);
    auto token = token_table_.create(name, roles, scope);
    if (!token) return token;
    if (auto loaded = load_tokens(); !loaded) return base::pass(loaded);
    return token;
  }

  std::vector<TokenInfo> tokens() const override {
    base::MutexLock lock(database_mutex_);
    auto list = token_table_.list();
    if (list) return std::move(*list);
    report(list.error());
    return {};
  }

  Status revoke_token(std::string_view id) override {
    base::MutexLock lock(database_mutex_);
    if (auto revoked = token_table_.revoke(id); !revoked) return revoked;
    return load_tokens();
  }

  std::optional<TokenInfo> check_token(std::string_view token) const override { return token_cache_.check(token, clock_.wall()); }

  std::vector<StreamSummary> streams() const override {
    // One that takes longer is served from what is there.
    if (reader_ != nullptr) static_cast<void>(queue_.wait_for_first(first_look));
    base::MutexLock lock(database_mutex_);
    auto summaries = index_.summaries();
    if (summaries) return std::move(*summaries);
    report(summaries.error());
    return {};
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> out;
    if (opening_warning_) out.push_back(*opening_warning_);
    base::MutexLock lock(trouble_mutex_);
    if (!trouble_.empty()) out.push_back(trouble_);
    return out;
  }

  Status flush(std::int64_t timeout_ns) override {
    if (reader_ == nullptr) return {};
    if (!queue_.flush(std::chrono::nanoseconds(timeout_ns))) {
      return base::fail(ErrorCode::timeout, fmt::format("the catalog was not up to date within {}", base::format_duration(timeout_ns)));
    }
    base::MutexLock lock(trouble_mutex_);
    return last_;
  }

  Status close() override {
    queue_.stop();
    threads_.close();
    base::MutexLock lock(trouble_mutex_);
    return last_;
  }

 private:
  void work() {
    for (;;) {
      CommitWork work = queue_.take(tick);
      Status status = take_in(work);
      if (status) status = count_again();
      const bool all = work.stop || work.asked != flushed_;
      if (status) status = keep_up(all);
      remember(status);
      flushed_ = work.asked;
      queue_.done(work.asked);
      if (work.stop) return;
    }
  }

  // What was committed goes into the index and the file.
  Status take_in(const CommitWork& work) TT_EXCLUDES(database_mutex_) {
    for (const record::SequenceRange& lost : work.lost) lost_.push_back(lost);
    if (work.scan) {
      auto scanned = scan();
      if (!scanned) queue_.scan_again();
      return scanned;
    }
    base::MutexLock lock(database_mutex_);
    for (const Digest& digest : work.digests) {
      // What a scan has met already is not counted again; a digest never lies on both sides of next_sequence().
      if (digest.first_sequence >= index_.next_sequence()) index_.note(digest);
    }
    return index_.write();
  }

  // Catches up with the store. Others get at the file between batches.
  Status scan() TT_EXCLUDES(database_mutex_) {
    ScanRange range;
    {
      base::MutexLock lock(database_mutex_);
      range.from_sequence = index_.next_sequence();
    }
    Status status;
    base::MonoNanos written_at = clock_.mono();
    auto scanned = reader_->scan(
        range, [](const record::Stream&) { return true; },
        [&](const record::CommittedBatchRef& batch) {
          for (const record::SequenceRange& lost : losses_told_by(*batch)) lost_.push_back(lost);
          base::MutexLock lock(database_mutex_);
          index_.note(*batch);
          if (clock_.mono() - written_at >= scan_write_interval_ns) {
            status = index_.write();
            written_at = clock_.mono();
          }
          return !status || queue_.stopped() ? ScanStep::stop : ScanStep::go_on;
        });
    if (!status) return status;
    if (!scanned) return scanned;
    base::MutexLock lock(database_mutex_);
    return index_.write();
  }

  // Records that the index has and damage took since. One that is done is not asked for again; after a power cut the scan of the end meets
  // the gap again.
  Status count_again() TT_EXCLUDES(database_mutex_) {
    while (!lost_.empty()) {
      base::MutexLock lock(database_mutex_);
      if (auto counted = index_.recount(lost_.back(), *reader_); !counted) return counted;
      lost_.pop_back();
    }
    return {};
  }

  // What is due from time to time, or all of it.
  Status keep_up(bool all) TT_EXCLUDES(database_mutex_) {
    const base::MonoNanos now = clock_.mono();
    base::MutexLock lock(database_mutex_);
    if (all || now - retention_at_ >= retention_interval_ns) {
      retention_at_ = now;
      if (auto done = index_.forget_before(reader_->stats().first_sequence, *reader_); !done) return done;
    }
    if (all || now - uses_at_ >= uses_interval_ns) {
      uses_at_ = now;
      for (const auto& [id, time] : token_cache_.take_uses()) {
        if (auto done = token_table_.set_last_used(id, time); !done) return done;
      }
    }
    // Changes with every commit of another connection, such as one of `telltale token`.
    auto version = database_.integer("PRAGMA data_version");
    if (!version) return base::pass(version);
    if (*version == data_version_) return {};
    data_version_ = *version;
    return load_tokens();
  }

  Status load_tokens() TT_REQUIRES(database_mutex_) {
    auto valid = token_table_.valid();
    if (!valid) return base::pass(valid);
    token_cache_.replace(std::move(*valid));
    return {};
  }

  // Logged when it changes, not every second.
  void remember(const Status& status) TT_EXCLUDES(trouble_mutex_) {
    {
      base::MutexLock lock(trouble_mutex_);
      last_ = status;
      if (status) trouble_.clear();
    }
    if (!status) report(status.error());
  }

  void report(const base::Error& error) const TT_EXCLUDES(trouble_mutex_) {
    const std::string text = error.message();
    {
      base::MutexLock lock(trouble_mutex_);
      if (trouble_ == text) return;
      trouble_ = text;
    }
    telemetry::log_line(LogLevel::error, "catalog", text);
  }

  const base::Clock& clock_;
  const StoreReader* const reader_;
  mutable base::Mutex database_mutex_;
  mutable Database database_;  // and what works on it: used under database_mutex_
  mutable TokenTable token_table_ TT_GUARDED_BY(database_mutex_);
  mutable StreamIndex index_ TT_GUARDED_BY(database_mutex_);
  mutable TokenCache token_cache_;
  const std::optional<std::string> opening_warning_;
  mutable base::Mutex trouble_mutex_;
  mutable std::string trouble_ TT_GUARDED_BY(trouble_mutex_);
  Status last_ TT_GUARDED_BY(trouble_mutex_);
  mutable CommitQueue queue_;
  // Of the catalog's thread alone.
  std::uint64_t flushed_ = 0;
  std::vector<record::SequenceRange> lost_;
  std::int64_t data_version_ = 0;
  base::MonoNanos retention_at_ = 0;
  base::MonoNanos uses_at_ = 0;
  base::TaskGroup threads_;  // last: its thread uses all of the above
};

base::Result<OpenedCatalog> open_file(base::Files& files, const std::string& data_folder, bool engine) {
  if (engine) return open_or_replace(files, data_folder);
  auto database = open_shared(files, data_folder);
  if (!database) return base::pass(database);
  return OpenedCatalog{std::move(*database), std::nullopt};
}

}  // namespace

base::Result<std::unique_ptr<Catalog>> Catalog::open(const std::string& data_folder, base::Files& files, const base::Clock& clock,
                                                     base::Random& random, const StoreReader* reader) {
  auto opened = open_file(files, data_folder, reader != nullptr);
  if (!opened) return base::pass(opened);
  auto catalog = std::make_unique<CatalogImpl>(std::move(*opened), clock, random, reader);
  if (auto started = catalog->start(); !started) return base::pass(started);
  return catalog;
}

}  // namespace telltale::store
