#include "store/engine/writer.h"

#include <algorithm>

#include "telemetry/log.h"

namespace telltale::store {

namespace {

using base::nanos_per_second;
using telemetry::LogLevel;

constexpr std::uint64_t reserve_bytes = 1024 * 1024;
constexpr std::size_t group_bytes = 1024 * 1024;
// A sync is made early when so much would have to be kept for it.
constexpr std::size_t most_unsynced_bytes = 16 * 1024 * 1024;
// Far fewer than an opening skips, so that no sequence that was given out and lost can be given again.
constexpr std::uint64_t most_unsynced_records = sequences_skipped_at_opening / 4;
constexpr std::int64_t retry_nanos = nanos_per_second;
constexpr std::int64_t mark_after_nanos = nanos_per_second;
constexpr std::int64_t look_after_nanos = nanos_per_second;
constexpr std::int64_t maintenance_nanos = 60 * nanos_per_second;

}  // namespace

WriterMetrics::WriterMetrics(telemetry::Metrics& metrics)
    : records(metrics.counter("telltale_store_records_total", "Records written.")),
      bytes(metrics.counter("telltale_store_written_bytes_total", "Bytes appended to segments.")),
      commits(metrics.counter("telltale_store_commits_total", "Frames appended.")),
      syncs(metrics.counter("telltale_store_syncs_total", "Times that segments were synced.")),
      gaps(metrics.counter("telltale_store_gaps_total", "Gap records written.")),
      errors(metrics.counter("telltale_store_errors_total", "Failed writes and syncs.")),
      queued(metrics.gauge("telltale_store_queued_bytes", "Bytes accepted and not written yet.")),
      segments(metrics.gauge("telltale_store_segments", "Segments kept.")),
      disk_full(metrics.gauge("telltale_store_disk_full", "1 while nothing can be written for want of space.")) {}

Writer::Writer(WriterContext context, std::optional<OpenSegment> active, PositionMap positions)
    : context_(std::move(context)), durable_positions_(std::move(positions)) {
  if (active) {
    active_ = std::move(*active);
    durable_totals_ = active_.writer->totals();
    marked_ = false;
  }
}

base::Status Writer::start() {
  last_sync_ = opened_mono_ = begun_ = context_.clock.mono();
  opened_wall_ = context_.clock.wall();
  reserve_used_ = !context_.files.allocate(base::join_path(context_.options.folder, "reserve"), reserve_bytes).has_value();
  next_maintenance_ = last_sync_;
  if (active_.writer == nullptr) return begin_segment();
  note_file();
  announce();  // when it cannot be done now, it is tried again before anything is written
  return {};
}

// Sequences that are published and then lost with a power cut must not be given again: the next opening has to see where this one began.
bool Writer::announce() {
  if (announced_) return true;
  auto status = active_.writer->append_marker(context_.state.next_sequence());
  if (status) {
    status = active_.writer->sync();
    if (!status) must_begin_ = true;
  }
  if (!status) {
    if (active_.writer->broken()) must_begin_ = true;
    if (must_begin_) trusted_ = false;
    failed(status.error());
    return false;
  }
  announced_ = true;
  active_.segment->publish(active_.writer->size(), active_.writer->totals());
  return true;
}

void Writer::step(bool hurry) {
  const base::MonoNanos now = context_.clock.mono();
  if (retry_at_ && now < *retry_at_ && !hurry) return;
  retry_at_.reset();
  if (may_write()) write_group();
  if (!must_begin_ && sync_due(hurry)) sync();
  if (!must_begin_) maintain();
  context_.metrics.queued.set(static_cast<std::int64_t>(context_.queue.bytes()));
}

bool Writer::may_write() {
  if (must_begin_) {
    if (auto begun = begin_segment(); !begun) {
      failed(begun.error());
      if (begun.error().code == base::ErrorCode::disk_full) disk_is_full();
      return false;
    }
  }
  if (!announce()) {
    if (last_error_->code == base::ErrorCode::disk_full && !must_begin_) disk_is_full();
    return false;
  }
  if (!context_.state.disk_full() || disk_has_space_again()) return true;
  write_urgent();
  retry_at_ = context_.clock.mono() + retry_nanos;
  return false;
}

void Writer::write_group() {
  if (!urgent_.empty() && !append(urgent_)) return;
  if (group_.empty()) context_.queue.take(group_, group_bytes);
  if (group_.empty()) return;
  if (rotation_due()) rotate();
  if (!must_begin_) append(group_.items);
}

bool Writer::append(std::vector<Pending>& items) {
  std::vector<const EncodedItem*> encoded;
  encoded.reserve(items.size());
  for (const Pending& pending : items) encoded.push_back(&pending.item);
  const Sequence first = context_.state.next_sequence();
  const std::uint64_t size_before = active_.writer->size();
  if (auto appended = active_.writer->append_rows(encoded, first); !appended) {
    failed(appended.error());
    if (appended.error().code == base::ErrorCode::disk_full && !active_.writer->broken()) {
      disk_is_full();
    } else {
      must_begin_ = true;
      trusted_ = false;
    }
    return false;
  }
  context_.metrics.bytes.add(active_.writer->size() - size_before);
  context_.metrics.commits.add();
  unlooked_ = true;
  commit(items, first);
  return true;
}

void Writer::commit(std::vector<Pending>& items, Sequence first_sequence) {
  std::size_t queued = 0;
  Unsynced unsynced{first_sequence, {}};
  unsynced.items.reserve(items.size());
  active_.segment->publish(active_.writer->size(), active_.writer->totals());
  context_.state.commit(items, first_sequence);
  tell_listeners(items, first_sequence);
  for (Pending& pending : items) {
    queued += pending.bytes;
    unsynced_bytes_ += pending.item.bytes();
    unsynced_records_ += pending.item.record_count;
    context_.metrics.records.add(pending.item.record_count);
    context_.metrics.gaps.add(pending.item.gap_count);
    unsynced.items.push_back(std::move(pending.item));
  }
  unsynced_.push_back(std::move(unsynced));
  items.clear();
  context_.queue.finish(queued, group_.empty() && urgent_.empty());
}

void Writer::tell_listeners(std::vector<Pending>& items, Sequence first_sequence) {
  for (Pending& pending : items) {
    if (pending.batch.position) unsynced_positions_[pending.batch.position->key] = pending.batch.position->value;
    if (context_.listeners.empty()) continue;
    if (pending.item.record_count == 0) {
      if (!pending.batch.position) continue;
      for (record::CommitListener* listener : context_.listeners) listener->on_position(*pending.batch.position);
      continue;
    }
    auto committed = std::make_shared<record::CommittedBatch>();
    committed->first_sequence = first_sequence;
    committed->batch = std::move(pending.batch);
    first_sequence += pending.item.record_count;
    for (record::CommitListener* listener : context_.listeners) listener->on_commit(committed);
  }
}

void Writer::failed(const base::Error& error) {
  if (!last_error_) telemetry::log(LogLevel::error, "store", "{}", error.message());
  last_error_ = error;
  if (error.code != base::ErrorCode::disk_full) context_.state.set_trouble(error.message());
  context_.metrics.errors.add();
  retry_at_ = context_.clock.mono() + retry_nanos;
}

void Writer::well() {
  if (last_error_) context_.state.set_trouble({});
  last_error_.reset();
}

void Writer::disk_is_full() {
  context_.state.set_disk_full(true);
  context_.metrics.disk_full.set(1);
  if (!reserve_used_) {
    // Its space is for gaps and positions; when it cannot be removed they wait as all else does.
    reserve_used_ = context_.files.remove(base::join_path(context_.options.folder, "reserve")).has_value();
  }
  write_urgent();
}

bool Writer::disk_has_space_again() {
  if (reserve_used_) {
    if (!context_.files.allocate(base::join_path(context_.options.folder, "reserve"), reserve_bytes)) return false;
    reserve_used_ = false;
  }
  telemetry::log(LogLevel::info, "store", "the disk has space again; writing goes on");
  context_.state.set_disk_full(false);
  context_.metrics.disk_full.set(0);
  well();
  return true;
}

void Writer::write_urgent() {
  if (must_begin_ || !announce()) return;
  for (Pending& pending : context_.queue.take_urgent(group_)) urgent_.push_back(std::move(pending));
  if (urgent_.empty()) return;
  std::vector<const EncodedItem*> encoded;
  for (const Pending& pending : urgent_) encoded.push_back(&pending.item);
  const Sequence first = context_.state.next_sequence();
  if (active_.writer->append_rows(encoded, first)) {
    commit(urgent_, first);
  } else if (active_.writer->broken()) {
    must_begin_ = true;
    trusted_ = false;
  }
}

bool Writer::sync_due(bool hurry) const {
  if (!active_.writer->dirty()) return false;
  if (hurry || unsynced_bytes_ > most_unsynced_bytes || unsynced_records_ > most_unsynced_records) return true;
  return context_.clock.mono() >= next_sync_;
}

void Writer::sync() {
  const base::MonoNanos before = context_.clock.mono();
  if (auto status = active_.writer->sync(); !status) {
    failed(status.error());
    must_begin_ = true;
    trusted_ = false;
    return;
  }
  context_.metrics.syncs.add();
  synced();
  // A slow disk gets as much time without syncs as with.
  const base::MonoNanos now = context_.clock.mono();
  next_sync_ = now + std::max(context_.options.sync_interval_ns, now - before);
}

void Writer::synced() {
  for (auto& [key, value] : unsynced_positions_) apply_position(durable_positions_, {key, value});
  unsynced_positions_.clear();
  unsynced_.clear();
  unsynced_bytes_ = 0;
  unsynced_records_ = 0;
  durable_totals_ = active_.writer->totals();
  marked_ = false;
  last_sync_ = context_.clock.mono();
  if (!context_.state.disk_full()) well();
  context_.queue.note_synced(context_.queue.written());
}

void Writer::mark() {
  if (marked_ || active_.writer->dirty()) return;
  marked_ = true;
  // Without the mark damage of the last frames would pass for a torn tail; that alone is no reason to fail.
  if (auto marked = active_.writer->append_marker(context_.state.next_sequence()); !marked) {
    telemetry::log(LogLevel::debug, "store", "no mark: {}", marked.error().message());
    if (active_.writer->broken()) {
      must_begin_ = true;
      trusted_ = false;
    }
    return;
  }
  active_.segment->publish(active_.writer->size(), active_.writer->totals());
}

void Writer::maintain() {
  const base::MonoNanos now = context_.clock.mono();
  if (unlooked_ && now - looked_ >= look_after_nanos) look_after_file();
  if (must_begin_) return;
  if (now - last_sync_ >= mark_after_nanos) mark();
  if (now < next_maintenance_) return;
  next_maintenance_ = now + maintenance_nanos;
  look_after_file();
  if (must_begin_) return;
  retain();
}

void Writer::begin_window() {
  if (active_.writer != nullptr) active_.writer->begin_window();
}

void Writer::finish() {
  if (active_.writer != nullptr && !must_begin_) mark();
}

std::int64_t Writer::idle_nanos() const {
  const base::MonoNanos now = context_.clock.mono();
  if (retry_at_) return std::max<std::int64_t>(0, *retry_at_ - now);
  if (!group_.empty() || must_begin_) return 0;
  std::int64_t idle = std::max<std::int64_t>(0, next_maintenance_ - now);
  if (active_.writer->dirty()) idle = std::min(idle, std::max<std::int64_t>(0, next_sync_ - now));
  if (!marked_) idle = std::min(idle, std::max<std::int64_t>(0, last_sync_ + mark_after_nanos - now));
  return idle;
}

}  // namespace telltale::store
