// A pipeline and a store that are behind: a test says what of the pushed blocks has reached the store, and what of that is committed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "record/gap.h"
#include "record/ports.h"

namespace telltale::sources::testing {

// One thread. Blocks take two steps, batches of the source the second alone: as in an engine, where gaps overtake nothing in the store.
class LaggingStore final : public record::BlockSink, public record::BatchSink {
 public:
  std::function<void(const record::Position&)> on_commit;
  std::vector<std::string> lines;  // committed
  std::vector<bool> truncated;     // of each line
  std::vector<record::Gap> gaps;
  std::size_t flushes = 0;
  int room = -1;  // blocks that are taken; -1: any number

  record::PushOutcome try_push(record::RawBlock& block) override {
    if (room == 0) return record::PushOutcome::full;
    if (room > 0) --room;
    largest_cursor = std::max(largest_cursor, block.position->value.size());
    blocks_.push_back(std::move(block));
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()>) override {}
  void flush() override { ++flushes; }
  record::PushOutcome try_push(record::Batch& batch) override {
    Item item{*batch.position, {}, false, {}};
    if (!batch.records.empty()) item.gap = record::read_gap(batch, batch.records[0]);
    items_.push_back(std::move(item));
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()>) override {}

  // Blocks reach the store; with `first_lines` the last of them does with its first lines alone, as when the others wait.
  void work(std::size_t blocks, std::size_t first_lines = 0) {
    for (; blocks > 0 && !blocks_.empty(); --blocks) {
      record::RawBlock block = std::move(blocks_.front());
      blocks_.pop_front();
      std::vector<std::string> all = split(block.bytes);
      if (first_lines > 0 && blocks == 1 && first_lines < all.size()) {
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < first_lines; ++i) bytes = block.bytes.find('\n', bytes) + 1;
        const auto split_at = all.begin() + static_cast<std::ptrdiff_t>(first_lines);
        items_.push_back({block.inner_positions->behind(std::string_view(block.bytes).substr(0, bytes), first_lines),
                          std::vector(all.begin(), split_at),
                          false,
                          {}});
        all.erase(all.begin(), split_at);
      }
      items_.push_back({*block.position, std::move(all), block.truncated, {}});
    }
  }
  void commit(std::size_t count) {
    for (; count > 0 && !items_.empty(); --count) {
      Item item = std::move(items_.front());
      items_.pop_front();
      for (auto& line : item.lines) {
        lines.push_back(std::move(line));
        truncated.push_back(item.truncated);
      }
      if (item.gap) gaps.push_back(*item.gap);
      if (item.position.value.empty())
        positions_.erase(item.position.key);
      else
        positions_[item.position.key] = item.position.value;
      if (on_commit) on_commit(item.position);
    }
  }
  void commit_all() {
    work(~std::size_t{0});
    commit(~std::size_t{0});
  }
  bool idle() const { return blocks_.empty() && items_.empty(); }
  // As kill -9 does.
  void kill() {
    blocks_.clear();
    items_.clear();
  }
  std::vector<record::Position> positions() const {
    std::vector<record::Position> all;
    for (const auto& [key, value] : positions_) all.push_back({key, value});
    return all;
  }
  // Committed, and on its way.
  std::set<std::string> all_lines() const {
    std::set<std::string> all(lines.begin(), lines.end());
    for (const auto& item : items_) all.insert(item.lines.begin(), item.lines.end());
    for (const auto& block : blocks_)
      for (auto& line : split(block.bytes)) all.insert(std::move(line));
    return all;
  }
  std::size_t largest_cursor = 0;

 private:
  struct Item {
    record::Position position;
    std::vector<std::string> lines;
    bool truncated = false;
    std::optional<record::Gap> gap;
  };
  static std::vector<std::string> split(std::string_view rest) {
    std::vector<std::string> lines;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return lines;
  }

  std::deque<record::RawBlock> blocks_;
  std::deque<Item> items_;
  std::map<std::string, std::string> positions_;
};

}  // namespace telltale::sources::testing
