// For tests: the table of relays with sinks and a clock that do what they are told.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "record/gap.h"
#include "sources/process/relay_table.h"

namespace telltale::sources::testing {

// Pipeline and store in one: keeps what is pushed in order, and commits when it is told to.
class TableSinks final : public record::BlockSink, public record::BatchSink {
 public:
  struct Pushed {
    std::string text;  // of lines, or of a gap
    std::optional<record::Position> position;
    bool has_records = false;
  };
  record::PushOutcome try_push(record::RawBlock& block) override {
    if (room == 0) return record::PushOutcome::full;
    if (room > 0) --room;
    pushed.push_back({block.bytes, block.position, !block.bytes.empty()});
    last = std::move(block);
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { waiting.push_back(std::move(callback)); }
  void flush() override { ++flushes; }
  record::PushOutcome try_push(record::Batch& batch) override {
    gap_overtook = gap_overtook || !pushed.empty();
    gaps.push_back(*record::read_gap(batch, batch.records[0]));
    pushed.push_back({"GAP", batch.position, true});
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { waiting.push_back(std::move(callback)); }

  int room = -1;
  record::RawBlock last;
  std::deque<Pushed> pushed;
  std::string committed;
  std::map<std::string, std::string> positions;
  std::vector<record::Gap> gaps;
  std::vector<std::function<void()>> waiting;
  bool gap_overtook = false;
  int flushes = 0;
};

class TablePeer final : public RelayPeer {
 public:
  void send(std::string text) override { said.push_back(std::move(text)); }
  void close(std::string_view why) override { closed = std::string(why); }
  // What it was told of a kind, newest last.
  template <class Kind>
  std::vector<Kind> told() const {
    std::vector<Kind> all;
    for (const auto& text : said)
      if (const auto message = decode_from_engine(text); message && std::holds_alternative<Kind>(*message))
        all.push_back(std::get<Kind>(*message));
    return all;
  }
  std::vector<std::string> said;
  std::string closed;
};

class RelayTableTest : public ::testing::Test {
 protected:
  void begin(const std::vector<record::Position>& positions = {}) {
    table = std::make_unique<RelayTable>(options, ports, metrics);
    for (const auto& position : positions) {
      const auto decoded = decode_process_position(position.value);
      table->restore(position.key.substr(process_key_prefix.size()),
                     record::make_stream(record::Labels({{"service", "api"}, {"stream", "stdout"}})), decoded->at);
    }
  }
  // As an engine that was killed and started again.
  void restart() {
    sinks.pushed.clear();
    std::vector<record::Position> positions;
    for (const auto& [key, value] : sinks.positions) positions.push_back({key, value});
    begin(positions);
  }
  std::shared_ptr<TablePeer> connect(RelayConnection id, std::string relay = "r1") {
    auto peer = std::make_shared<TablePeer>();
    table->connect(id, peer);
    say(id, RelayHello{std::move(relay), "run-1", "box"});
    return peer;
  }
  void say(RelayConnection id, const FromRelay& message) {
    table->text(id, encode(message));
    advance();
  }
  void stream(RelayConnection id, StreamPlace from = {}, StreamPlace acknowledged = {}) {
    say(id, RelayStream{1, "k1", {{"service", "api"}, {"stream", "stdout"}, {"source", "elsewhere"}}, from, acknowledged});
  }
  // Whole lines; the place after them.
  StreamPlace lines(RelayConnection id, StreamPlace from, std::string_view text) {
    RelayBlock block{.number = 1, .from = from, .to = {from.offset + text.size(), from.line}, .age_ns = 0, .dry_ns = {}, .bytes = text};
    block.to.line += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    table->binary(id, encode(block), clock.wall());
    advance();
    return block.to;
  }
  void advance() {
    table->advance([this] { ++space; });
  }
  void commit(std::size_t count = 1000) {
    for (; count > 0 && !sinks.pushed.empty(); --count) {
      auto next = std::move(sinks.pushed.front());
      sinks.pushed.pop_front();
      sinks.committed += next.text;
      if (next.position->value.empty()) {
        sinks.positions.erase(next.position->key);
        table->committed_end(next.position->key.substr(process_key_prefix.size()));
        advance();
        continue;
      }
      sinks.positions[next.position->key] = next.position->value;
      if (next.has_records)
        table->committed(next.position->key.substr(process_key_prefix.size()), decode_process_position(next.position->value)->at);
      advance();
    }
  }

  base::testing::ManualClock clock;
  telemetry::Metrics registry;
  ProcessMetrics metrics{registry};
  TableSinks sinks;
  ProcessSourceOptions options{.host = "box"};
  ProcessSourcePorts ports{clock, sinks, sinks, registry,
                           [](std::string_view text) { return text == "secret" ? std::string("***") : std::string(text); }};
  std::unique_ptr<RelayTable> table;
  int space = 0;
};

}  // namespace telltale::sources::testing
