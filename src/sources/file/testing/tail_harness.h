// For tests: a real folder of log files, the reader without its thread, and a store in memory that commits when it is told to.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "base/testing/temp_directory.h"
#include "record/gap.h"
#include "sources/file/tailer.h"

namespace telltale::sources::testing {

// Wall time is the machine's, for files have its stamps; the other clock moves when told to.
class HalfManualClock final : public base::Clock {
 public:
  base::UnixNanos wall() const override { return system_.wall(); }
  base::MonoNanos mono() const override { return manual_.mono(); }
  void advance(std::int64_t nanos) { manual_.advance(nanos); }

 private:
  base::SystemClock system_;
  base::testing::ManualClock manual_;
};

// Pipeline and store in one: keeps what is pushed in order, commits on commit_all(), forgets the rest on kill().
class MemoryStore final : public record::BlockSink, public record::BatchSink {
 public:
  struct Line {
    std::string stream;  // label `file`
    std::string text;
    bool truncated = false;
    bool unterminated = false;
    std::string key;         // of its origin's position
    std::uint64_t from = 0;  // bytes of the origin that it stands for
    std::uint64_t to = 0;
    bool operator==(const Line&) const = default;
  };
  struct GapSeen {
    std::string stream;
    record::Gap gap;
    std::string key;  // of its origin's position
  };

  record::PushOutcome try_push(record::RawBlock& block) override {
    if (room == 0) return record::PushOutcome::full;
    if (room > 0) --room;
    pushed_.push_back({block.position, split(block), {}, block.bytes, std::move(block.inner_positions)});
    largest_block = std::max(largest_block, block.bytes.size());
    if (!block.bytes.empty()) more_follows.push_back(block.more_follows);
    if (!block.bytes.empty()) written_after.push_back(block.written_after);
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { waiting.push_back(std::move(callback)); }
  record::PushOutcome try_push(record::Batch& batch) override {
    gap_overtook_data = gap_overtook_data || !pushed_.empty();
    Pushed pushed{batch.position, {}, {}, {}, nullptr};
    pushed.gaps.push_back({std::string(batch.stream->labels.get("file")), *record::read_gap(batch, batch.records[0]), batch.position->key});
    pushed_.push_back(std::move(pushed));
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { waiting.push_back(std::move(callback)); }

  // Commits the first `count` of what was pushed.
  void commit(std::size_t count, CommitTracker& tracker) {
    for (; count > 0 && !pushed_.empty(); --count) {
      Pushed next = std::move(pushed_.front());
      pushed_.pop_front();
      const bool had_records = !next.lines.empty() || !next.gaps.empty();
      for (auto& line : next.lines) lines.push_back(std::move(line));
      for (auto& gap : next.gaps) gaps.push_back(std::move(gap));
      if (!next.position) continue;
      if (next.position->value.empty())
        positions_.erase(next.position->key);
      else
        positions_[next.position->key] = next.position->value;
      // As the store does: nobody is told of commits without records.
      if (had_records) tracker.committed(*next.position);
    }
  }
  // Of the first block with lines that was pushed commits the first lines, as the pipeline does when the others wait; the rest stays
  // uncommitted.
  void commit_part(std::size_t count, CommitTracker& tracker) {
    while (pushed_.front().lines.empty()) commit(1, tracker);
    if (count >= pushed_.front().lines.size()) return commit(1, tracker);  // all of it: the block's own position
    Pushed& front = pushed_.front();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      bytes = front.bytes.find('\n', bytes) + 1;
      lines.push_back(front.lines[i]);
    }
    const record::Position position = front.inner->behind(std::string_view(front.bytes).substr(0, bytes), count);
    positions_[position.key] = position.value;
    tracker.committed(position);
  }
  void kill() { pushed_.clear(); }
  std::size_t uncommitted() const { return pushed_.size(); }
  bool has_uncommitted_lines() const {
    return std::ranges::any_of(pushed_, [](const Pushed& pushed) { return !pushed.lines.empty(); });
  }
  // Pushed, not committed.
  std::vector<const Line*> pushed_lines() const {
    std::vector<const Line*> all;
    for (const auto& pushed : pushed_)
      for (const auto& line : pushed.lines) all.push_back(&line);
    return all;
  }
  std::vector<record::Position> positions() const {
    std::vector<record::Position> all;
    for (const auto& [key, value] : positions_) all.push_back({key, value});
    return all;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& line : lines) all.push_back(line.text);
    return all;
  }

  std::vector<Line> lines;  // committed
  std::vector<GapSeen> gaps;
  std::vector<std::function<void()>> waiting;
  int room = -1;  // blocks that are taken; -1: any number
  std::size_t largest_block = 0;
  std::vector<bool> more_follows;              // each block's with lines
  std::vector<base::UnixNanos> written_after;  // of each block with lines
  bool gap_overtook_data = false;

 private:
  struct Pushed {
    std::optional<record::Position> position;
    std::vector<Line> lines;
    std::vector<GapSeen> gaps;
    std::string bytes;
    std::unique_ptr<const record::InnerPositions> inner;
  };
  static std::vector<Line> split(const record::RawBlock& block) {
    std::vector<Line> lines;
    const std::string stream(block.stream->labels.get("file"));
    std::string_view rest = block.bytes;
    std::uint64_t at = block.raw_from;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const bool whole = end != std::string_view::npos;
      const std::size_t size = whole ? end + 1 : rest.size();
      lines.push_back({stream, std::string(rest.substr(0, end)), block.truncated, !whole && !block.truncated, block.position->key, at,
                       block.truncated ? block.raw_to : at + size});
      rest.remove_prefix(size);
      at += size;
    }
    return lines;
  }

  std::deque<Pushed> pushed_;
  std::map<std::string, std::string> positions_;
};

class TailHarness {
 public:
  TailHarness() { source.name = "logs"; }

  std::string path(std::string_view name) const { return folder.path(name); }
  // Opens, appends, closes, as a shell's >> does.
  void append(std::string_view name, std::string_view text) {
    std::filesystem::create_directories(base::parent_path(path(name)));
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(std::string_view from, std::string_view to) { std::filesystem::rename(path(from), path(to)); }
  void copy(std::string_view from, std::string_view to) { std::filesystem::copy_file(path(from), path(to)); }
  void truncate(std::string_view name) { std::filesystem::resize_file(path(name), 0); }
  void remove(std::string_view name) { std::filesystem::remove(path(name)); }

  void watch(std::string_view pattern) { source.paths.push_back(path(pattern)); }
  void start() {
    tailer.reset();
    metrics = std::make_unique<telemetry::Metrics>();
    file_metrics = std::make_unique<FileMetrics>(*metrics);
    commits = std::make_unique<CommitTracker>(file_metrics->lag);
    FileSourcePorts ports{*files, clock, *watcher, store, store, hasher, *metrics, {}, {}, line_time};
    auto patterns = Patterns::parse({source});
    tailer =
        std::make_unique<Tailer>(std::move(*patterns), std::vector{source}, options, ports, *file_metrics, *commits, store.positions());
  }
  // Reads what there is; nothing is committed.
  void read() {
    do {
      tailer->scan(true);
      tailer->tend();
      while (tailer->work()) {
      }
    } while (tailer->wants_scan());
  }
  void commit() {
    store.commit(~std::size_t{0}, *commits);
    tailer->commit_arrived();
  }
  // Reads and commits until nothing changes any more.
  void settle() {
    do {
      read();
      commit();
      while (tailer->work()) {
      }
    } while (store.uncommitted() > 0);
  }
  // Time for those who might still write to rotated files to do so.
  void wait_for_writers() {
    for (int i = 0; i < 3; ++i) {
      clock.advance(options.deleted_idle_ns + 1);
      settle();
    }
  }
  // As kill -9 does: what was not committed is gone.
  void kill_and_start() {
    tailer.reset();
    store.kill();
    start();
  }

  base::testing::TempDirectory folder;
  std::unique_ptr<base::Files> files = std::make_unique<base::PosixFiles>();
  HalfManualClock clock;
  std::unique_ptr<Watcher> watcher = make_sleeping_watcher();
  MemoryStore store;
  base::KeyedHasher hasher{"key"};
  config::FileSource source;
  FileSourceOptions options;
  LineTime line_time;
  std::unique_ptr<telemetry::Metrics> metrics;
  std::unique_ptr<FileMetrics> file_metrics;
  std::unique_ptr<CommitTracker> commits;
  std::unique_ptr<Tailer> tailer;
};

}  // namespace telltale::sources::testing
