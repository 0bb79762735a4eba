// The writer's beginning and ending of segments.
#include <algorithm>
#include <array>

#include "store/engine/writer.h"
#include "telemetry/log.h"

namespace telltale::store {

namespace {

using telemetry::LogLevel;

// A limit on what is kept works only when segments are a small part of it.
constexpr std::uint64_t segments_in_retention = 8;
constexpr std::int64_t rotation_retry_nanos = base::nanos_per_second;

std::uint64_t random_salt(base::Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  std::uint64_t salt = 0;
  for (const std::uint8_t byte : bytes) salt = salt << 8 | byte;
  return salt;
}

}  // namespace

bool Writer::rotation_due() const {
  if (active_.writer->totals().records == 0 || context_.clock.mono() < next_rotation_) return false;
  const StoreOptions& options = context_.options;
  std::uint64_t bytes = options.segment_bytes;
  if (options.retention_bytes > 0) bytes = std::min(bytes, options.retention_bytes / segments_in_retention);
  std::int64_t age = options.segment_age_ns;
  if (options.retention_age_ns > 0) age = std::min(age, options.retention_age_ns / static_cast<std::int64_t>(segments_in_retention));
  return active_.writer->size() >= bytes || context_.clock.wall() - active_.writer->created() >= age;
}

void Writer::rotate() {
  if (active_.writer->dirty()) sync();
  if (must_begin_) return;
  if (auto begun = begin_segment(); !begun) {
    // Unless the new file may be there already, the old segment simply goes on.
    telemetry::log(LogLevel::warning, "store", "no new segment could be begun: {}", begun.error().message());
    next_rotation_ = context_.clock.mono() + rotation_retry_nanos;
    if (must_begin_) failed(begun.error());
    return;
  }
  retain();
}

base::Result<std::unique_ptr<SegmentWriter>> Writer::write_new_segment(const std::string& path, Sequence first) {
  if (context_.files.info(path)) {
    if (auto removed = context_.files.remove(path); !removed) return base::pass(removed);
  }
  auto file = context_.files.open_write(path, base::OpenMode::create_new);
  if (!file) return base::pass(file);
  Snapshot snapshot{context_.clock.wall(), durable_positions_, context_.state.streams()};
  SegmentTail tail;
  tail.salt = random_salt(context_.random);
  tail.window = 1;
  tail.created = snapshot.created;
  auto writer = std::make_unique<SegmentWriter>(std::move(*file), tail);
  if (auto written = writer->append_snapshot(snapshot, first); !written) return base::pass(written);
  for (const Unsynced& frame : unsynced_) {
    std::vector<const EncodedItem*> items;
    for (const EncodedItem& item : frame.items) items.push_back(&item);
    if (auto written = writer->append_rows(items, frame.first_sequence); !written) return base::pass(written);
  }
  if (auto synced = writer->sync(); !synced) return base::pass(synced);
  return writer;
}

base::Status Writer::begin_segment() {
  const StoreOptions& options = context_.options;
  const Sequence first = unsynced_.empty() ? context_.state.next_sequence() : unsynced_.front().first_sequence;
  const std::string path = segment_path(options.folder, first);
  const std::string unfinished = path + ".new";
  auto writer = write_new_segment(unfinished, first);
  if (!writer) {
    // What is left of it is removed at the next attempt or opening.
    static_cast<void>(context_.files.remove(unfinished));
    return base::pass(writer);
  }
  // From here on the name may be on the disk: a reader would take it that this segment holds all from `first` on.
  must_begin_ = true;
  if (auto renamed = context_.files.rename(unfinished, path); !renamed) return renamed;
  if (auto synced = context_.files.sync_directory(segments_folder(options.folder)); !synced) return synced;

  auto segment = std::make_shared<Segment>(path, first);
  segment->publish((*writer)->size(), (*writer)->totals());
  context_.state.add_segment(segment);
  OpenSegment old = std::exchange(active_, OpenSegment{std::move(segment), std::move(*writer)});
  if (old.writer != nullptr && old.segment->first_sequence() != first) finish_old(old);
  must_begin_ = false;
  announced_ = true;  // by the snapshot's header
  trusted_ = true;
  synced();
  context_.metrics.segments.set(static_cast<std::int64_t>(context_.state.segments().size()));
  return {};
}

void Writer::finish_old(OpenSegment& old) {
  if (!trusted_) {
    old.segment->publish(old.segment->visible_end(), durable_totals_);
    return;
  }
  // A missing seal is made up for at the next opening.
  const bool sealed = old.writer->append_seal(context_.state.next_sequence()) && old.writer->sync();
  if (!sealed) telemetry::log(LogLevel::info, "store", "{} has no seal yet", old.segment->path());
  old.segment->publish(old.writer->size(), old.writer->totals());
}

bool Writer::outlived(const Segment& oldest, std::uint64_t all_bytes) const {
  const StoreOptions& options = context_.options;
  if (options.retention_bytes > 0 && all_bytes > options.retention_bytes) return true;
  return options.retention_age_ns > 0 && oldest.totals().max_observed < context_.clock.wall() - options.retention_age_ns;
}

void Writer::retain() {
  std::vector<SegmentRef> segments = context_.state.segments();
  std::uint64_t bytes = 0;
  for (const SegmentRef& segment : segments) bytes += segment->visible_end();
  for (std::size_t i = 0; i + 1 < segments.size() && outlived(*segments[i], bytes); ++i) {
    const Segment& oldest = *segments[i];
    auto removed = context_.files.remove(oldest.path());
    if (!removed && removed.error().code != base::ErrorCode::file_not_found) {
      telemetry::log(LogLevel::warning, "store", "retention could not remove a segment: {}", removed.error().message());
      break;
    }
    bytes -= oldest.visible_end();
    context_.state.drop_oldest_segment();
    // One by one, so that a power cut never leaves an older segment without the one after it.
    if (auto synced = context_.files.sync_directory(segments_folder(context_.options.folder)); !synced) break;
  }
  context_.metrics.segments.set(static_cast<std::int64_t>(context_.state.segments().size()));
}

}  // namespace telltale::store
