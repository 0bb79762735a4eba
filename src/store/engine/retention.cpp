#include "store/engine/retention.h"

#include <algorithm>
#include <vector>

namespace telltale::store {

namespace {

using base::UnixNanos;

// How much of the time between two moments is believed.
class PassedTime {
 public:
  PassedTime(UnixNanos from, std::int64_t limit) : at_(from), largest_step_(limit / 4) {}

  void see(UnixNanos moment) {
    const std::int64_t step = moment - at_;
    at_ = moment;
    if (step < 0) {
      doubtful_ = std::max<std::int64_t>(0, doubtful_ + step);
    } else if (step > largest_step_) {
      doubtful_ += step;
      since_ = 0;
    } else {
      pass(step);
    }
  }
  // Time that has surely passed.
  void pass(std::int64_t nanos) {
    passed_ += nanos;
    since_ += nanos;
    if (since_ < largest_step_) return;
    passed_ += doubtful_;
    doubtful_ = 0;
  }
  std::int64_t passed() const { return passed_; }
  UnixNanos at() const { return at_; }

 private:
  UnixNanos at_;
  const std::int64_t largest_step_;
  std::int64_t passed_ = 0;
  std::int64_t doubtful_ = 0;
  std::int64_t since_ = 0;  // seen to pass since the last large step
};

// The newest moment of each segment, which is no later than anything in those after it: a clock that ran ahead is not believed.
std::vector<UnixNanos> ends_of(std::span<const SegmentSpan> segments) {
  std::vector<UnixNanos> ends(segments.size(), INT64_MIN);
  UnixNanos bound = INT64_MAX;
  for (std::size_t i = segments.size(); i > 0; --i) {
    const SegmentSpan& segment = segments[i - 1];
    if (segment.empty()) continue;
    ends[i - 1] = std::min(segment.newest, bound);
    bound = std::min(bound, segment.oldest);
  }
  return ends;
}

std::int64_t believed_age(std::span<const SegmentSpan> segments, const std::vector<UnixNanos>& ends, std::size_t which,
                          const EngineTime& time, std::int64_t limit) {
  PassedTime passed(ends[which], limit);
  for (std::size_t i = which + 1; i < segments.size(); ++i) {
    if (segments[i].empty()) continue;
    passed.see(segments[i].oldest);
    passed.see(ends[i]);
  }
  const UnixNanos believed_now = time.opened + time.elapsed;
  if (time.opened > passed.at()) passed.see(time.opened);
  if (believed_now >= passed.at()) {
    passed.pass(believed_now - passed.at());
  } else {
    passed.see(believed_now);
  }
  return passed.passed();
}

}  // namespace

std::size_t outlived(std::span<const SegmentSpan> segments, const EngineTime& time, std::int64_t limit) {
  const std::vector<UnixNanos> ends = ends_of(segments);
  std::size_t count = 0;
  for (; count + 1 < segments.size(); ++count) {
    if (segments[count].empty()) continue;
    if (ends[count] >= time.now - limit || believed_age(segments, ends, count, time, limit) <= limit) break;
  }
  // An empty segment goes with the one after it.
  while (count > 0 && segments[count - 1].empty()) --count;
  return count;
}

}  // namespace telltale::store
