#include "api/ws/broadcaster.h"

#include <algorithm>

namespace telltale::api {

Broadcaster::Broadcaster(live::Hub& hub, const base::Clock& clock)
    : hub_(hub), clock_(clock), last_flush_(clock.mono() - tick), threads_("live") {
  subscription_ = hub_.subscribe([this] { wake(); });
  threads_.spawn("live", [this](std::stop_token stop) { run(std::move(stop)); });
}

Broadcaster::~Broadcaster() {
  threads_.close();
  subscription_.reset();
}

bool Broadcaster::join(std::shared_ptr<Subscriber> subscriber, const LiveQuery& query, Sequence after) {
  {
    base::MutexLock lock(mutex_);
    if (feeds_.empty()) position_ = after;
    if (after < position_) return false;
    auto feed = std::find_if(feeds_.begin(), feeds_.end(), [&](const Feed& candidate) { return candidate.query.text == query.text; });
    if (feed == feeds_.end()) feed = feeds_.insert(feed, Feed{query, {}});
    feed->members.push_back(std::move(subscriber));
  }
  wake();  // what was committed while nobody listened is still to be read
  return true;
}

void Broadcaster::leave(const Subscriber& subscriber) {
  base::MutexLock lock(mutex_);
  for (Feed& feed : feeds_) std::erase_if(feed.members, [&](const auto& member) { return member.get() == &subscriber; });
  std::erase_if(feeds_, [](const Feed& feed) { return feed.members.empty(); });
}

void Broadcaster::wake() {
  base::MutexLock lock(wake_mutex_);
  awake_ = true;
  woken_.notify_one();
}

// Until there is something to do and the tick is over; false when it is time to stop.
bool Broadcaster::wait(const std::stop_token& stop) {
  base::MutexLock lock(wake_mutex_);
  while (!awake_ && !stop.stop_requested()) woken_.wait(wake_mutex_);
  for (;;) {
    const std::int64_t left = last_flush_ + tick - clock_.mono();
    if (left <= 0 || stop.stop_requested()) break;
    woken_.wait_for(wake_mutex_, std::chrono::nanoseconds(left));
  }
  awake_ = false;
  return !stop.stop_requested();
}

void Broadcaster::run(std::stop_token stop) {
  const std::stop_callback on_stop(stop, [this] { wake(); });
  while (wait(stop)) {
    subscription_->rearm();
    drain(stop);
    last_flush_ = clock_.mono();
  }
}

void Broadcaster::drain(const std::stop_token& stop) {
  while (!stop.stop_requested() && drain_once()) {
  }
}

bool Broadcaster::drain_once() {
  base::MutexLock lock(mutex_);
  if (feeds_.empty()) return false;
  const live::ReadResult read = hub_.read(position_, max_read_bytes);
  if (read.batches.empty()) return false;
  const Sequence first = read.missed ? read.missed_to + 1 : position_ + 1;
  for (Feed& feed : feeds_) deliver(feed, read, first);
  std::erase_if(feeds_, [](const Feed& feed) { return feed.members.empty(); });
  position_ = read.next;
  return true;
}

void Broadcaster::deliver(Feed& feed, const live::ReadResult& read, Sequence first) {
  for (const auto& batch : read.batches) encoder_.add(batch, *feed.query.predicate, first - 1, read.next);
  const Delivery delivery{read.batches, first, read.next, encoder_.take()};
  std::erase_if(feed.members, [&](const auto& member) { return !member->deliver(delivery); });
}

}  // namespace telltale::api
