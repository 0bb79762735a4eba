#include "runs/audit/origin_ranges.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "record/internal.h"

namespace telltale::runs {

namespace {
constexpr std::int64_t fresh_ns = 10 * base::nanos_per_second;  // shorter than what is read before the run
}  // namespace

bool is_new_in(base::UnixNanos first_seen, const TimeSpan& run) {
  return first_seen != 0 && first_seen >= add_nanos(run.from, -fresh_ns);
}

namespace {

using store::ScanStep;

constexpr std::int64_t before_ns = 60 * base::nanos_per_second;  // as ScanRange::by_writing has it
constexpr std::int64_t after_ns = 600 * base::nanos_per_second;  // lines that were read so late are still found
constexpr std::size_t most_earlier_batches = 20'000;             // looked at for the range before the run's first one

class Collector {
 public:
  Collector(const Scope& scope, StoredOrigins& out, const AuditOptions& options, const std::function<bool()>& give_up)
      : scope_(scope), out_(out), options_(options), give_up_(give_up) {}

  bool wants(const record::Stream& stream) {
    const auto [entry, is_new] = services_.try_emplace(stream.id);
    if (is_new && !record::is_internal(stream)) entry->second = scope_.name_in_run(stream);
    return !entry->second.empty();
  }

  ScanStep add(const record::CommittedBatch& committed) {
    if (ranges_ >= options_.max_ranges || give_up_()) {
      out_.truncated = true;
      return ScanStep::stop;
    }
    const record::Batch& batch = committed.batch;
    if (batch.records.empty()) return ScanStep::go_on;
    if (batch.records.front().has(record::flag_gap)) return add_gap(committed);
    if (!batch.raw) return ScanStep::go_on;
    StoredOrigin& origin = origin_of(committed);
    origin.ranges.push_back(range_of(committed));
    ++ranges_;
    return ScanStep::go_on;
  }

  void finish() {
    for (auto& [key, origin] : out_.by_key) {
      std::ranges::sort(origin.ranges, [](const StoredRange& a, const StoredRange& b) {
        return std::tie(a.from, a.sequence) < std::tie(b.from, b.sequence);
      });
      std::ranges::sort(origin.gaps, {}, &StatedGap::sequence);
    }
  }

 private:
  // A batch that ends within the lines of a block may have no position: it is of the stream's last origin then.
  StoredOrigin& origin_of(const record::CommittedBatch& committed) {
    const record::Batch& batch = committed.batch;
    std::string& last = last_key_[batch.stream->id];
    if (batch.position) last = batch.position->key;
    if (last.empty()) last = "stream:" + batch.stream->id.hex();
    StoredOrigin& origin = out_.by_key[last];
    if (origin.stream == nullptr) {
      origin.stream = batch.stream;
      origin.service = services_.at(batch.stream->id);
    }
    const bool newer = batch.position && !batch.position->value.empty() && committed.first_sequence >= origin.newest_sequence;
    if (newer) {
      origin.newest = *batch.position;
      origin.newest_sequence = committed.first_sequence;
    }
    return origin;
  }

  ScanStep add_gap(const record::CommittedBatch& committed) {
    const record::Batch& batch = committed.batch;
    const auto gap = record::read_gap(batch, batch.records.front());
    const TimeSpan missing = gap ? TimeSpan{gap->from_time, gap->to_time} : TimeSpan{};
    if (gap && missing.meets(out_.run))
      origin_of(committed).gaps.push_back({*gap, committed.first_sequence, std::string(batch.line(batch.records.front()))});
    return ScanStep::go_on;
  }

  StoredRange range_of(const record::CommittedBatch& committed) const {
    const record::Batch& batch = committed.batch;
    StoredRange range{.from = batch.raw->from, .to = batch.raw->to, .hash = batch.raw->hash, .written = {INT64_MAX, INT64_MIN}};
    range.sequence = committed.first_sequence;
    range.timed = true;
    for (const record::Record& record : batch.records) {
      range.written.from = std::min(range.written.from, std::min(record.observed_time, record.index_time()));
      range.written.to = std::max(range.written.to, record.observed_time);
      range.lines += record.source_lines;
      range.timed = range.timed && record.has_event_time();
    }
    if (batch.written_after != 0) range.written.from = std::min(batch.written_after, range.written.to);
    range.of_run = range.written.meets(out_.run);
    const record::Record& last = batch.records.back();
    if (last.has(record::flag_truncated)) {
      range.comparable = batch.records.size() == 1;
      range.cut_exact = !last.has(record::flag_redacted);
      range.cut_bytes = range.cut_exact ? last.line.size : static_cast<std::uint32_t>(options_.max_line_bytes);
    }
    return range;
  }

  const Scope& scope_;
  StoredOrigins& out_;
  const AuditOptions& options_;
  const std::function<bool()>& give_up_;
  std::unordered_map<record::StreamId, std::string, base::Hash128Hasher> services_;  // empty: not of the run
  std::unordered_map<record::StreamId, std::string, base::Hash128Hasher> last_key_;
  std::size_t ranges_ = 0;
};

// Origins whose first range has something before it that may be stored: what lies between would be missing in the run.
std::vector<std::string> without_beginning(const AuditPorts& ports, const StoredOrigins& origins) {
  std::vector<std::string> keys;
  for (const auto& [key, origin] : origins.by_key) {
    if (origin.ranges.empty() || origin.ranges.front().from == 0 || !origin.ranges.front().of_run) continue;
    if (!is_new_in(ports.origins.first_seen(origin.newest), origins.run)) keys.push_back(key);
  }
  return keys;
}

base::Status read_beginnings(const AuditPorts& ports, Collector& collector, const StoredOrigins& origins) {
  std::set<std::string, std::less<>> keys;
  std::set<record::StreamId> streams;
  store::ScanRange range;
  range.to_sequence = 0;
  range.newest_first = true;
  for (const std::string& key : without_beginning(ports, origins)) {
    const StoredOrigin& origin = origins.by_key.at(key);
    keys.insert(key);
    streams.insert(origin.stream->id);
    range.to_sequence = std::max(range.to_sequence, origin.ranges.front().sequence);
  }
  if (keys.empty()) return {};
  std::size_t looked_at = 0;
  const auto wants = [&](const record::Stream& stream) { return streams.contains(stream.id); };
  return ports.reader.scan(range, wants, [&](const record::CommittedBatchRef& batch) {
    if (keys.empty() || ++looked_at > most_earlier_batches) return ScanStep::stop;
    if (!batch->batch.position || !batch->batch.raw) return ScanStep::go_on;
    const auto key = keys.find(batch->batch.position->key);
    if (key == keys.end() || batch->first_sequence >= origins.by_key.at(*key).ranges.front().sequence) return ScanStep::go_on;
    keys.erase(key);
    return collector.add(*batch);
  });
}

}  // namespace

base::Result<StoredOrigins> read_stored_origins(const AuditPorts& ports, const std::string& run, const AuditOptions& options,
                                                const std::function<bool()>& give_up) {
  const auto about = ports.registry.run(run);
  if (!about) return std::unexpected(about.error());
  const auto scope = ports.registry.scope(run);
  if (!scope) return std::unexpected(scope.error());
  StoredOrigins origins;
  origins.finished = about->finished.has_value();
  origins.run = {about->started, about->finished.value_or(ports.clock.wall())};
  Collector collector(*scope, origins, options, give_up);
  store::ScanRange range;
  range.from_time = origins.run.from - before_ns;
  range.to_time = add_nanos(origins.run.to, after_ns);
  range.by_writing = true;
  const auto wants = [&](const record::Stream& stream) { return collector.wants(stream); };
  const auto scanned = ports.reader.scan(range, wants, [&](const record::CommittedBatchRef& batch) { return collector.add(*batch); });
  if (!scanned) return std::unexpected(scanned.error());
  collector.finish();
  if (!origins.truncated) {
    if (const auto read = read_beginnings(ports, collector, origins); !read) return std::unexpected(read.error());
  }
  collector.finish();
  std::erase_if(origins.by_key, [](const auto& entry) {
    const StoredOrigin& origin = entry.second;
    return origin.gaps.empty() && std::ranges::none_of(origin.ranges, &StoredRange::of_run);
  });
  return origins;
}

}  // namespace telltale::runs
