// Mutexes that clang checks (-Wthread-safety): say which members a mutex guards with TT_GUARDED_BY(mutex_).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define TT_THREAD_ANNOTATION(x)
#endif
#define TT_CAPABILITY(name) TT_THREAD_ANNOTATION(capability(name))
#define TT_SCOPED_CAPABILITY TT_THREAD_ANNOTATION(scoped_lockable)
#define TT_GUARDED_BY(mutex) TT_THREAD_ANNOTATION(guarded_by(mutex))
#define TT_REQUIRES(...) TT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define TT_EXCLUDES(...) TT_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define TT_ACQUIRE(...) TT_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TT_RELEASE(...) TT_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define TT_NO_THREAD_SAFETY_ANALYSIS TT_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace telltale::base {

class TT_CAPABILITY("mutex") Mutex {
 public:
  void lock() TT_ACQUIRE() { mutex_.lock(); }
  void unlock() TT_RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class TT_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TT_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits are in a loop of the caller that checks what it waits for: `while (!ready_) condition_.wait(mutex_);`
class Condition {
 public:
  void wait(Mutex& mutex) TT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  // False when the time passed without a notification.
  bool wait_for(Mutex& mutex, std::chrono::nanoseconds time) TT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    const bool notified = condition_.wait_for(held, time) == std::cv_status::no_timeout;
    held.release();
    return notified;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace telltale::base
