// Looks at segments that are suspected of damage, and sees to it that each damage is told once: as a gap record with a position, which are
// committed together.
//
// Who suspects: scans that had to pass over something, `telltale store verify` (by a note in DATA/quarantine), and a look at the files
// from time to time. Thread-safe; look() and inspect() are called by one thread at a time and read files.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "store/engine/damage.h"
#include "store/engine/state.h"
#include "store/engine/survey.h"

namespace telltale::store {

class Inspector {
 public:
  // False: not now.
  using Tell = std::function<bool(record::Batch&)>;
  Inspector(base::Files& files, const base::Clock& clock, std::string folder, const StoreState& state, Tell tell)
      : files_(files), clock_(clock), folder_(std::move(folder)), state_(state), tell_(std::move(tell)) {}

  // Found at opening.
  void found(std::vector<Damage> damages) TT_EXCLUDES(mutex_);
  // A scan met this; quick. Nothing happens when the range is known.
  void suspect(const SegmentRef& segment, const DamagedRange& range) TT_EXCLUDES(mutex_);
  // Whether there is something for inspect() to do.
  bool pending() const TT_EXCLUDES(mutex_);

  // Notes of others, files that are gone, and positions of damages whose segment retention removed.
  void look() TT_EXCLUDES(mutex_);
  // Reads what is suspected and tells what is found and was not told. Segments whose file is gone.
  std::vector<Sequence> inspect() TT_EXCLUDES(mutex_);
  // Whether damage was found in the segment that is written since the last call. The writer asks on its own thread: what the damaged frame
  // defined is to be defined again.
  bool take_active_damaged() { return active_damaged_.exchange(false); }
  // Waits for something to inspect.
  void wait(std::chrono::nanoseconds most) TT_EXCLUDES(mutex_);
  void stop() TT_EXCLUDES(mutex_);

 private:
  void examine(const SegmentRef& segment) TT_EXCLUDES(mutex_);
  void look_for_missing(const std::vector<SegmentRef>& segments) TT_EXCLUDES(mutex_);
  void forget_removed(const std::vector<SegmentRef>& segments) TT_EXCLUDES(mutex_);
  void tell_all() TT_EXCLUDES(mutex_);
  bool is_told(const Damage& damage) const;

  base::Files& files_;
  const base::Clock& clock_;
  const std::string folder_;
  const StoreState& state_;
  const Tell tell_;
  std::atomic<bool> active_damaged_{false};
  mutable base::Mutex mutex_;
  base::Condition changed_;
  bool stopped_ TT_GUARDED_BY(mutex_) = false;
  std::map<Sequence, SegmentRef> suspects_ TT_GUARDED_BY(mutex_);
  std::map<Sequence, std::vector<DamagedRange>> known_ TT_GUARDED_BY(mutex_);  // by segment: what an inspection found
  std::deque<Damage> untold_ TT_GUARDED_BY(mutex_);
  std::vector<Sequence> missing_ TT_GUARDED_BY(mutex_);
  std::map<std::string, std::string> telling_ TT_GUARDED_BY(mutex_);  // accepted by the queue, maybe not committed yet
};

}  // namespace telltale::store
