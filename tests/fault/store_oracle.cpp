#include "tests/fault/store_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace telltale::testing {

using store::testing::position_of;
using store::testing::test_batch;
using store::testing::test_stream;
using store::testing::TestStore;

void StoreOracle::push(TestStore& store, const std::string& service, std::size_t count, std::size_t padding) {
  std::uint64_t& next = next_.try_emplace(service, 1).first->second;
  padding_[service] = padding;
  record::Batch batch = test_batch(test_stream(service), next, count, store.clock.wall(), padding);
  if (service == events_service) {
    for (record::Record& record : batch.records) record.flags = record::flag_lifecycle;
  }
  if (store.push(std::move(batch)) == record::PushOutcome::accepted) next += count;
}

void StoreOracle::restart_from(TestStore& store) {
  for (auto& [service, next] : next_) {
    const std::string position = position_of(*store.engine, service);
    next = position.empty() ? 1 : std::stoull(position);
  }
}

void StoreOracle::on_commit(const record::CommittedBatchRef& batch) {
  for (std::size_t i = 0; i < batch->batch.records.size(); ++i) {
    const store::Sequence sequence = batch->first_sequence + i;
    const std::string line(batch->batch.line(batch->batch.records[i]));
    if (!published_.empty() && published_.rbegin()->first >= sequence) fail(fmt::format("sequence {} was given again", sequence));
    published_[sequence] = line;
  }
}

void StoreOracle::note(const record::CommittedBatchRef& batch, Found& found) {
  const std::string service(batch->batch.stream->labels.get("service"));
  for (std::size_t i = 0; i < batch->batch.records.size(); ++i) {
    const store::Sequence sequence = batch->first_sequence + i;
    const record::Record& record = batch->batch.records[i];
    const std::string line(batch->batch.line(record));
    if (sequence <= found.last_sequence) fail(fmt::format("sequence {} comes after {}", sequence, found.last_sequence));
    found.last_sequence = sequence;
    const auto published = published_.find(sequence);
    if (published != published_.end() && published->second != line)
      fail(fmt::format("sequence {} was published as another line", sequence));
    if (record.has(record::flag_gap)) {
      ++found.gaps;
      continue;
    }
    const std::string begin = service + " line ";
    std::uint64_t number = 0;
    const char* digits = line.data() + begin.size();
    const auto end = std::from_chars(digits, line.data() + line.size(), number).ptr;
    const bool sound = line.starts_with(begin) && std::string(end, line.data() + line.size()) == std::string(padding_[service], '.');
    if (!sound) fail(fmt::format("'{}' was never pushed", line));
    found.numbers[service].push_back(number);
  }
}

StoreOracle::Found StoreOracle::look(TestStore& store) {
  Found found;
  const auto status = store.engine->scan({}, {}, [&](const record::CommittedBatchRef& batch) {
    note(batch, found);
    return store::ScanStep::go_on;
  });
  if (!status) fail("scan: " + status.error().message());
  check_events(store, found);
  return found;
}

// A scan for events alone meets all of them.
void StoreOracle::check_events(TestStore& store, Found& found) {
  std::size_t events = 0;
  store::ScanRange range;
  range.lifecycle_only = true;
  const auto is_event = [](const record::Stream& stream) { return stream.labels.get("service") == events_service; };
  const auto status = store.engine->scan(range, is_event, [&](const record::CommittedBatchRef& batch) {
    events += batch->batch.records.size();
    return store::ScanStep::go_on;
  });
  if (!status) fail("scan of events: " + status.error().message());
  const std::size_t all = found.numbers.contains(events_service) ? found.numbers[events_service].size() : 0;
  if (events != all) fail(fmt::format("a scan of events meets {} of {}", events, all));
}

void StoreOracle::check_stream(const std::string& service, const std::vector<std::uint64_t>& numbers, std::uint64_t position,
                               const Found& found) {
  std::uint64_t expected = front_may_miss_ && !numbers.empty() ? numbers.front() : 1;
  for (const std::uint64_t number : numbers) {
    while (expected < number && may_miss_[service].contains(expected)) {
      if (found.gaps == 0) fail(fmt::format("{} line {} is missing without a gap", service, expected));
      ++expected;
    }
    if (number != expected) return fail(fmt::format("{}: line {} stands where {} is due", service, number, expected));
    ++expected;
  }
  while (expected < position && may_miss_[service].contains(expected)) ++expected;
  const bool all_removed = front_may_miss_ && numbers.empty();
  if (!all_removed && position != expected)
    fail(fmt::format("{}: the position is {}, the records end before {}", service, position, expected));
  if (position < acknowledged_[service])
    fail(fmt::format("{}: {} is the next line, but those before {} were acknowledged", service, position, acknowledged_[service]));
}

void StoreOracle::check_all(TestStore& store, const Found& found) {
  for (const auto& [service, next] : next_) {
    const auto numbers = found.numbers.find(service);
    const std::string position = position_of(*store.engine, service);
    check_stream(service, numbers == found.numbers.end() ? std::vector<std::uint64_t>{} : numbers->second,
                 position.empty() ? 1 : std::stoull(position), found);
  }
}

std::vector<std::string> StoreOracle::check(TestStore& store) {
  for (auto& [service, next] : next_) acknowledged_.try_emplace(service, 1);
  const auto pushed = next_;
  check_all(store, look(store));
  // It is alive: it takes what the sources send again, and more, and has each line once.
  restart_from(store);
  for (const auto& [service, end] : pushed) {
    while (next_[service] < end) push(store, service, 1, padding_[service]);
    push(store, service, 2, padding_[service]);
  }
  if (auto flushed = store.engine->flush(true, 0); !flushed) fail("flush: " + flushed.error().message());
  acknowledge();
  check_all(store, look(store));
  return failures_;
}

}  // namespace telltale::testing
