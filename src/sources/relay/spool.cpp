#include "sources/relay/spool.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

void Spool::add(std::uint32_t stream, const StreamPlace& begin, const StreamPlace& acknowledged) {
  base::MutexLock lock(mutex_);
  Stream& added = streams_[stream];
  added.newest = begin;
  added.acknowledged = acknowledged;
}

// It is stored.
void Spool::store_front(Stream& stream) {
  const std::uint64_t cost = stream.entries.front().block.cost();
  size_ -= cost;
  if (stream.sent > 0) {
    --stream.sent;
    in_flight_ -= cost;
  }
  stream.entries.pop_front();
}

void Spool::drop_oldest() {
  Stream* oldest = nullptr;
  for (auto& [number, stream] : streams_)
    if (!stream.entries.empty() && (oldest == nullptr || stream.entries.front().order < oldest->entries.front().order)) oldest = &stream;
  const Entry& entry = oldest->entries.front();
  const std::uint64_t lines = entry.block.to.line - entry.block.from.line;
  size_ -= entry.block.cost();
  if (oldest->sent > 0) {
    --oldest->sent;
    oldest->unkept.push_back({entry.order, entry.block.to, lines, entry.block.cost()});
  } else {
    dropped_lines_ += lines;
  }
  oldest->entries.pop_front();
}

void Spool::push(std::uint32_t number, PipeBlock block) {
  base::MutexLock lock(mutex_);
  const auto it = streams_.find(number);
  if (it == streams_.end()) return;
  const std::uint64_t cost = block.cost();
  while (size_ > 0 && size_ + cost > capacity_) drop_oldest();
  size_ += cost;
  it->second.newest = block.to;
  it->second.entries.push_back({next_order_++, std::move(block)});
}

void Spool::end(std::uint32_t number, const StreamPlace& at) {
  base::MutexLock lock(mutex_);
  const auto it = streams_.find(number);
  if (it != streams_.end()) it->second.end = at;
}

void Spool::begin_connection() {
  base::MutexLock lock(mutex_);
  in_flight_ = 0;
  for (auto& [number, stream] : streams_) {
    stream.sent = 0;
    stream.rewound = stream.end_sent = stream.release_sent = false;
  }
}

void Spool::rewind(std::uint32_t number, const StreamPlace& at) {
  base::MutexLock lock(mutex_);
  const auto it = streams_.find(number);
  if (it == streams_.end()) return;
  Stream& stream = it->second;
  stream.rewound = true;
  for (; !stream.unkept.empty() && stream.unkept.back().to.offset > at.offset; stream.unkept.pop_back())
    dropped_lines_ += stream.unkept.back().lines;
  for (const Unkept& unkept : stream.unkept) in_flight_ += unkept.cost;
  // What it received and has not stored is kept, but not sent again.
  while (stream.sent < stream.entries.size() && stream.entries[stream.sent].block.to.offset <= at.offset) {
    in_flight_ += stream.entries[stream.sent].block.cost();
    ++stream.sent;
  }
}

std::optional<std::string> Spool::next(std::uint64_t window, base::MonoNanos now, base::UnixNanos wall) {
  base::MutexLock lock(mutex_);
  std::pair<const std::uint32_t, Stream>* chosen = nullptr;
  for (auto& entry : streams_) {
    Stream& stream = entry.second;
    if (!stream.rewound || stream.sent == stream.entries.size()) continue;
    if (chosen == nullptr || stream.entries[stream.sent].order < chosen->second.entries[chosen->second.sent].order) chosen = &entry;
  }
  if (chosen == nullptr) return std::nullopt;
  const PipeBlock& block = chosen->second.entries[chosen->second.sent].block;
  if (in_flight_ > 0 && in_flight_ + block.cost() > window) return std::nullopt;
  in_flight_ += block.cost();
  ++chosen->second.sent;
  const auto age = [now](base::MonoNanos then) { return std::max<std::int64_t>(now - then, 0); };
  return encode(RelayBlock{.number = chosen->first,
                           .from = block.from,
                           .to = block.to,
                           .age_ns = age(block.read),
                           .dry_ns = block.dry ? std::optional(age(*block.dry)) : std::nullopt,
                           .sent_at = wall,
                           .unterminated = block.unterminated,
                           .truncated = block.truncated,
                           .bytes = block.bytes});
}

std::optional<RelayEnd> Spool::next_end() {
  base::MutexLock lock(mutex_);
  for (auto& [number, stream] : streams_) {
    if (!stream.end || stream.end_sent || !stream.rewound || stream.sent < stream.entries.size()) continue;
    stream.end_sent = true;
    return RelayEnd{number, *stream.end};
  }
  return std::nullopt;
}

std::optional<RelayRelease> Spool::next_release() {
  base::MutexLock lock(mutex_);
  for (auto& [number, stream] : streams_) {
    if (!stream.end_sent || stream.release_sent || stream.acknowledged.offset < stream.end->offset) continue;
    stream.release_sent = true;
    return RelayRelease{number};
  }
  return std::nullopt;
}

void Spool::committed(std::uint32_t number, const StreamPlace& at) {
  base::MutexLock lock(mutex_);
  const auto it = streams_.find(number);
  if (it == streams_.end()) return;
  Stream& stream = it->second;
  if (at.offset > stream.acknowledged.offset) stream.acknowledged = at;
  for (; !stream.unkept.empty() && stream.unkept.front().to.offset <= at.offset; stream.unkept.pop_front())
    if (stream.rewound) in_flight_ -= stream.unkept.front().cost;
  while (!stream.entries.empty() && stream.entries.front().block.to.offset <= at.offset) store_front(stream);
}

void Spool::ended(std::uint32_t number) {
  base::MutexLock lock(mutex_);
  const auto it = streams_.find(number);
  if (it == streams_.end()) return;
  Stream& stream = it->second;
  for (const Unkept& unkept : stream.unkept)
    if (stream.rewound) in_flight_ -= unkept.cost;
  while (!stream.entries.empty()) store_front(stream);
  streams_.erase(it);
}

std::vector<Spool::Place> Spool::places() const {
  base::MutexLock lock(mutex_);
  std::vector<Place> places;
  for (const auto& [number, stream] : streams_)
    places.push_back({number, stream.entries.empty() ? stream.newest : stream.entries.front().block.from, stream.acknowledged});
  return places;
}

std::uint64_t Spool::order() const {
  base::MutexLock lock(mutex_);
  return next_order_;
}

bool Spool::is_sent(std::uint64_t order) const {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(streams_, [order](const auto& entry) {
    const Stream& stream = entry.second;
    return stream.sent == stream.entries.size() || stream.entries[stream.sent].order >= order;
  });
}

bool Spool::is_stored(std::uint64_t order) const {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(streams_, [order](const auto& entry) {
    const Stream& stream = entry.second;
    return (stream.unkept.empty() || stream.unkept.front().order >= order) &&
           (stream.entries.empty() || stream.entries.front().order >= order);
  });
}

bool Spool::is_stored() const {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(streams_, [](const auto& entry) {
    const Stream& stream = entry.second;
    return stream.unkept.empty() && stream.entries.empty() && !stream.end;
  });
}

Spool::Totals Spool::totals() const {
  base::MutexLock lock(mutex_);
  Totals totals{0, dropped_lines_};
  for (const auto& [number, stream] : streams_) {
    for (const auto& unkept : stream.unkept) totals.kept_lines += unkept.lines;
    for (const auto& entry : stream.entries) totals.kept_lines += entry.block.to.line - entry.block.from.line;
  }
  return totals;
}

}  // namespace telltale::sources
