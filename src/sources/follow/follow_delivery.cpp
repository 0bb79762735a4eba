#include "sources/follow/follow_delivery.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

using record::PushOutcome;

namespace {

// Where to go on when only a block's first lines are committed.
class PlacesInside final : public record::InnerPositions {
 public:
  PlacesInside(std::string key, FollowCursor before, std::vector<FollowDelivery::LinePlace> places)
      : key_(std::move(key)), before_(std::move(before)), places_(std::move(places)) {}

  record::Position behind(std::string_view begin, std::uint64_t lines) const override {
    FollowCursor cursor = before_;
    const std::size_t count = std::min<std::size_t>(lines, places_.size());
    for (std::size_t i = 0; i < count; ++i) cursor.marks.push_back(places_[i].mark);
    if (count > 0) {
      const auto& place = places_[count - 1];
      cursor.start = place.start;
      cursor.last = place.last;
      cursor.highest = place.highest;
      cursor.uncovered = place.uncovered;
      cursor.spans = place.spans;
      cursor.stated = 0;
    }
    cursor.lines += lines;
    cursor.bytes += begin.size();
    return {key_, encode_cursor(cursor)};
  }

 private:
  const std::string key_;
  const FollowCursor before_;
  const std::vector<FollowDelivery::LinePlace> places_;
};

}  // namespace

FollowDelivery::FollowDelivery(std::string key, record::StreamRef stream, const DeliveryLimits& limits, const Sinks& sinks,
                               const Stored& stored)
    : key_(std::move(key)),
      stream_(std::move(stream)),
      limits_(limits),
      sinks_(sinks),
      cursor_(stored.cursor),
      window_(limits.window),
      committed_{cursor_.version, cursor_.bytes, cursor_.first_chunk},
      pushed_(cursor_.version),
      known_chunks_(cursor_.first_chunk) {
  for (const LineWindow::Chunk& chunk : stored.chunks)
    if (chunk.number < cursor_.first_chunk || chunk.number >= cursor_.next_chunk) spare_chunks_.insert(chunk.number);
  window_.restore(cursor_, stored.chunks);
}

// Cursors are numbered as they are made.
record::Position FollowDelivery::position() {
  ++cursor_.version;
  cursor_.seen = sinks_.clock.wall();
  FollowCursor stored = cursor_;
  stored.marks = window_.loose_marks();
  return {follow_key(key_), encode_cursor(stored)};
}

void FollowDelivery::begin_block() {
  open_.emplace();
  open_->before = cursor_;
  open_->before.marks = window_.loose_marks();
  open_->block.stream = stream_;
  open_->block.raw_from = cursor_.bytes;
  open_->block.first_source_line = cursor_.lines;
}

void FollowDelivery::add(FollowLine line, base::UnixNanos begun, base::UnixNanos observed) {
  const bool alone = line.truncated || line.unterminated;
  if (alone) close_block(true);
  if (!open_) begin_block();
  record::RawBlock& block = open_->block;
  block.observed_time = observed;
  block.truncated = line.truncated;
  block.last_line_unterminated = line.unterminated;
  block.bytes += line.text;
  block.line_times.push_back(line.time);
  if (!line.unterminated) block.bytes += '\n';
  cursor_.bytes += line.text.size() + (line.unterminated ? 0 : 1);
  ++cursor_.lines;
  cursor_.stated = 0;
  const std::uint64_t overflows = window_.overflows();
  window_.add(cursor_, line.mark, {line.time, line.last_time}, begun);
  sinks_.metrics.overflows.add(window_.overflows() - overflows);
  open_->places.push_back({cursor_.start, cursor_.last, cursor_.highest, cursor_.uncovered, cursor_.spans, line.mark});
  if (alone || block.bytes.size() >= limits_.block_bytes) close_block(true);
}

void FollowDelivery::close_block(bool more_follows) {
  if (!open_) return;
  Open open = std::move(*open_);
  open_.reset();
  record::RawBlock& block = open.block;
  sinks_.metrics.lines.add(open.places.size());
  sinks_.metrics.bytes.add(block.bytes.size());
  if (block.truncated) sinks_.metrics.truncated_lines.add();
  block.more_follows = more_follows;
  store_chunks();
  block.raw_to = cursor_.bytes;
  block.position = position();
  block.inner_positions = std::make_unique<const PlacesInside>(follow_key(key_), std::move(open.before), std::move(open.places));
  const std::size_t cost = block.bytes.size();
  queued_ += cost;
  items_.emplace_back(Block{std::move(block), cursor_.version, cost});
}

void FollowDelivery::add_gap(record::GapReason reason, base::UnixNanos from, base::UnixNanos to, std::string detail) {
  close_block(true);
  Missing missing;
  missing.gap.reason = reason;
  missing.gap.from_time = std::min(from, to);
  missing.gap.to_time = std::max(from, to);
  missing.gap.detail = std::move(detail);
  missing.position = position();
  missing.version = cursor_.version;
  items_.emplace_back(std::move(missing));
}

void FollowDelivery::begin_instance(const std::string& instance, base::UnixNanos start) {
  close_block(false);
  window_.clear(cursor_);
  cursor_.instance = instance;
  cursor_.finished = false;
  cursor_.start = start;
  cursor_.last = cursor_.highest = cursor_.uncovered = cursor_.stated = 0;
  cursor_.spans.clear();
}

void FollowDelivery::finish_instance() {
  close_block(false);
  cursor_.finished = true;
}

void FollowDelivery::set_stated(base::UnixNanos until) {
  cursor_.stated = until;
}

void FollowDelivery::move_start_back(base::UnixNanos start) {
  cursor_.uncovered = std::max(cursor_.uncovered, cursor_.highest);
  cursor_.start = start;
}

void FollowDelivery::add_cursor() {
  close_block(false);
  Place place;
  place.position = position();
  place.version = cursor_.version;
  items_.emplace_back(std::move(place));
}

void FollowDelivery::add_end() {
  close_block(false);
  Place place;
  place.position = {follow_key(key_), {}};
  place.version = ++cursor_.version;
  items_.emplace_back(std::move(place));
}

record::Batch FollowDelivery::chunk_batch(std::uint64_t number, std::string value) const {
  record::Batch batch;
  batch.stream = stream_;
  batch.position = record::Position{follow_chunk_key(key_, number), std::move(value)};
  return batch;
}

// A chunk reaches the store before the first cursor that names it, since that one's block is pushed later. It may hold marks of lines that
// are in no committed block yet: then no committed cursor names it either.
void FollowDelivery::store_chunks() {
  auto chunk = window_.chunk_due(cursor_);
  if (!chunk || spare_chunks_.contains(chunk->number)) return;
  record::Batch batch = chunk_batch(chunk->number, encode_marks(chunk->marks));
  if (sinks_.batches.try_push(batch) == PushOutcome::accepted) window_.stored(cursor_);
}

// No cursor that could still be the newest committed one names them.
void FollowDelivery::forget_chunks() {
  for (; known_chunks_ < committed_.first_chunk; ++known_chunks_) spare_chunks_.insert(known_chunks_);
  while (!spare_chunks_.empty()) {
    record::Batch batch = chunk_batch(*spare_chunks_.begin(), {});
    if (sinks_.batches.try_push(batch) != PushOutcome::accepted) return;
    spare_chunks_.erase(spare_chunks_.begin());
  }
}

void FollowDelivery::advance(const std::function<void()>& on_space) {
  forget_chunks();
  while (!items_.empty()) {
    const Step step = std::visit([&](auto& item) { return push(item, on_space); }, items_.front());
    if (step != Step::done) return;
    pushed_ = std::visit([](const auto& item) { return item.version; }, items_.front());
    items_.pop_front();
    flushed_ = false;
  }
}

FollowDelivery::Step FollowDelivery::push_block(record::RawBlock& block, const std::function<void()>& on_space) {
  switch (sinks_.blocks.try_push(block)) {
    case PushOutcome::accepted:
      return Step::done;
    case PushOutcome::full:
      sinks_.blocks.on_space(stream_->id, on_space);
      return Step::no_space;
    case PushOutcome::closed:
      return Step::not_settled;  // for ever: the engine stops, and the next one asks the server again
  }
  return Step::not_settled;
}

FollowDelivery::Step FollowDelivery::push_batch(record::Batch& batch, const std::function<void()>& on_space) {
  switch (sinks_.batches.try_push(batch)) {
    case PushOutcome::accepted:
      return Step::done;
    case PushOutcome::full:
      sinks_.batches.on_space(on_space);
      return Step::no_space;
    case PushOutcome::closed:
      return Step::not_settled;
  }
  return Step::not_settled;
}

// True when all before is stored. Lines that wait for what may follow them do so in vain.
bool FollowDelivery::settle() {
  if (is_settled()) return true;
  if (!std::exchange(flushed_, true)) sinks_.blocks.flush();
  return false;
}

FollowDelivery::Step FollowDelivery::push(Block& item, const std::function<void()>& on_space) {
  const Step step = push_block(item.block, on_space);
  if (step == Step::done) queued_ -= item.cost;
  return step;
}

// A gap goes to the store directly, so it waits until everything before it is there.
FollowDelivery::Step FollowDelivery::push(Missing& item, const std::function<void()>& on_space) {
  if (!settle()) return Step::not_settled;
  auto batch = record::make_gap_batch(stream_, item.gap, sinks_.clock.wall());
  batch.position = item.position;
  const Step step = push_batch(batch, on_space);
  if (step == Step::done) sinks_.metrics.count_gap(item.gap.reason);
  return step;
}

FollowDelivery::Step FollowDelivery::push(Place& item, const std::function<void()>& on_space) {
  if (item.position.value.empty() && !settle()) return Step::not_settled;
  record::RawBlock block;
  block.stream = stream_;
  block.raw_from = block.raw_to = cursor_.bytes;
  block.first_source_line = cursor_.lines;
  block.observed_time = sinks_.clock.wall();
  block.position = item.position;
  return push_block(block, on_space);
}

void FollowDelivery::committed(const record::Position& position) {
  if (position.value.empty()) {
    committed_ = {cursor_.version, cursor_.bytes, cursor_.next_chunk};
    ended_ = true;
    return;
  }
  const auto progress = read_follow_progress(position.value);
  if (!progress || progress->version < committed_.version) return;
  committed_ = *progress;
}

}  // namespace telltale::sources
