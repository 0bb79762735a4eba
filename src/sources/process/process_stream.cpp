#include "sources/process/process_stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace telltale::sources {

using base::PushOutcome;
using record::Gap;
using record::GapReason;

namespace {

record::Position position_of(const std::string& key, const record::StreamId& stream, const StreamPlace& at) {
  return {process_position_key(key), encode_process_position({at, stream})};
}

class PlacesInside final : public record::InnerPositions {
 public:
  PlacesInside(std::string key, const record::StreamId& stream, const StreamPlace& from)
      : key_(std::move(key)), stream_(stream), from_(from) {}
  record::Position behind(std::string_view begin, std::uint64_t lines) const override {
    return position_of(key_, stream_, {from_.offset + begin.size(), from_.line + lines});
  }

 private:
  const std::string key_;
  const record::StreamId stream_;
  const StreamPlace from_;
};

}  // namespace

ProcessStream::ProcessStream(std::string key, record::StreamRef stream, StreamPlace committed)
    : key_(std::move(key)), stream_(std::move(stream)), received_(committed), pushed_(committed), committed_(committed) {}

bool ProcessStream::receive(record::RawBlock block, StreamPlace from, const StreamPlace& to, GapReason reason) {
  if (from.offset < received_.offset) {
    // An engine before had stored its first lines.
    const std::uint64_t here = received_.offset - from.offset;
    if (block.truncated || here >= block.bytes.size() || block.bytes[here - 1] != '\n') return false;
    block.bytes.erase(0, here);
    from = received_;
  }
  if (from.offset > received_.offset) add_gap(from, block.observed_time, reason);
  block.stream = stream_;
  block.raw_from = from.offset;
  block.raw_to = to.offset;
  block.first_source_line = from.line;
  block.position = position_of(key_, stream_->id, to);
  block.inner_positions = std::make_unique<const PlacesInside>(key_, stream_->id, from);
  last_observed_ = block.observed_time;
  const std::uint64_t cost = relay_cost(block.bytes.size());
  queued_ += cost;
  items_.emplace_back(Block{std::move(block), cost});
  received_ = to;
  return true;
}

void ProcessStream::end(const StreamPlace& at, GapReason reason) {
  if (at.offset > received_.offset) add_gap(at, 0, reason);
  items_.emplace_back(Rest{});
}

void ProcessStream::release() {
  items_.emplace_back(End{});
}

void ProcessStream::give_up(std::string detail) {
  Gap gap;
  gap.reason = GapReason::relay_lost;
  gap.from_time = last_observed_;
  gap.detail = std::move(detail);
  items_.emplace_back(Missing{std::move(gap), received_});
}

void ProcessStream::skip_to(const StreamPlace& at) {
  if (at.offset > received_.offset) received_ = pushed_ = committed_ = at;
}

void ProcessStream::add_gap(const StreamPlace& to, base::UnixNanos until, GapReason reason) {
  Gap gap;
  gap.reason = reason;
  gap.from_time = last_observed_;
  gap.to_time = until;
  gap.range = record::RawRange{received_.offset, to.offset, {}};
  gap.lines = to.line - std::min(to.line, received_.line);
  items_.emplace_back(Missing{std::move(gap), to});
  received_ = to;
}

bool ProcessStream::advance(const Sinks& sinks, const std::function<void()>& on_space) {
  while (!items_.empty()) {
    const Step step = std::visit([&](auto& item) { return push(item, sinks, on_space); }, items_.front());
    if (step != Step::done) return step != Step::no_space;
    items_.pop_front();
    flushed_ = false;
  }
  return true;
}

ProcessStream::Step ProcessStream::push(Block& item, const Sinks& sinks, const std::function<void()>& on_space) {
  const StreamPlace to{item.block.raw_to, 0};
  switch (sinks.blocks.try_push(item.block)) {
    case PushOutcome::accepted:
      queued_ -= item.cost;
      pushed_.offset = to.offset;
      return Step::done;
    case PushOutcome::full:
      sinks.blocks.on_space(stream_->id, on_space);
      return Step::no_space;
    case PushOutcome::closed:
      return Step::not_settled;  // for ever: the engine stops, and the relay sends it again to the next one
  }
  return Step::not_settled;
}

// True when all before is stored. Lines that wait for what may follow them do so in vain.
bool ProcessStream::settle(const Sinks& sinks) {
  if (is_settled()) return true;
  if (!std::exchange(flushed_, true)) sinks.blocks.flush();
  return false;
}

// A gap goes to the store directly, so it waits until everything before it is there.
ProcessStream::Step ProcessStream::push(Missing& item, const Sinks& sinks, const std::function<void()>& on_space) {
  if (!settle(sinks)) return Step::not_settled;
  const base::UnixNanos now = sinks.clock.wall();
  if (item.gap.to_time == 0) item.gap.to_time = now;
  if (item.gap.from_time == 0 || item.gap.from_time > item.gap.to_time) item.gap.from_time = item.gap.to_time;
  auto batch = record::make_gap_batch(stream_, item.gap, now);
  batch.position = position_of(key_, stream_->id, item.to);
  switch (sinks.batches.try_push(batch)) {
    case PushOutcome::accepted:
      pushed_ = item.to;
      if (sinks.on_gap) sinks.on_gap(item.gap.reason);
      return Step::done;
    case PushOutcome::full:
      sinks.batches.on_space(on_space);
      return Step::no_space;
    case PushOutcome::closed:
      return Step::not_settled;
  }
  return Step::not_settled;
}

ProcessStream::Step ProcessStream::push(Rest&, const Sinks& sinks, const std::function<void()>&) {
  return settle(sinks) ? Step::done : Step::not_settled;
}

// Its position is not needed any more.
ProcessStream::Step ProcessStream::push(End&, const Sinks& sinks, const std::function<void()>& on_space) {
  if (!settle(sinks)) return Step::not_settled;
  record::RawBlock block;
  block.stream = stream_;
  block.raw_from = block.raw_to = received_.offset;
  block.first_source_line = received_.line;
  block.observed_time = sinks.clock.wall();
  block.position = record::Position{process_position_key(key_), {}};
  switch (sinks.blocks.try_push(block)) {
    case PushOutcome::accepted:
      return Step::done;
    case PushOutcome::full:
      sinks.blocks.on_space(stream_->id, on_space);
      return Step::no_space;
    case PushOutcome::closed:
      return Step::not_settled;
  }
  return Step::not_settled;
}

void ProcessStream::commit(const StreamPlace& at) {
  if (at.offset > committed_.offset) committed_ = at;
}

}  // namespace telltale::sources
