#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/files.h"
#include "base/mutex.h"
#include "sources/file/watcher.h"

namespace telltale::sources {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

constexpr std::uint32_t folder_events = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                        IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::uint32_t link_events = IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

// Waits on up to two descriptors; the eventfd is the last.
void poll_for(std::array<pollfd, 2> fds, nfds_t from, std::int64_t timeout_ns) {
  timespec time{};
  time.tv_sec = timeout_ns / base::nanos_per_second;
  time.tv_nsec = timeout_ns % base::nanos_per_second;
  ::ppoll(fds.data() + from, fds.size() - from, timeout_ns < 0 ? nullptr : &time, nullptr);
}

class InotifyWatcher final : public Watcher {
 public:
  InotifyWatcher(Descriptor inotify, Descriptor event) : inotify_(std::move(inotify)), event_(std::move(event)) {}

  base::Status watch_folder(const std::string& path) override {
    if (folders_.contains(path)) return {};
    const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), folder_events);
    if (watch < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      return failed(path);
    }
    watches_[watch].folder = path;
    folders_.insert(path);
    return {};
  }

  base::Status watch_link(const std::string& path) override {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return {};
    const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), link_events);
    if (watch < 0) return errno == ENOENT ? base::Status() : failed(path);
    watches_[watch].links.insert(path);
    return {};
  }

  void wait(std::int64_t timeout_ns, WatchEvents& out) override {
    poll_for({{{inotify_.get(), POLLIN, 0}, {event_.get(), POLLIN, 0}}}, 0, timeout_ns);
    clear_wake();
    drain(out);
  }

  void rest(std::int64_t time_ns) override { poll_for({{{inotify_.get(), POLLIN, 0}, {event_.get(), POLLIN, 0}}}, 1, time_ns); }

  void wake() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);  // full means that it is awake already
  }

 private:
  struct Watch {
    std::string folder;           // empty: only a link's target
    std::set<std::string> links;  // paths of links that point at it
  };

  static base::Status failed(const std::string& path) {
    if (errno == ENOSPC) {
      return base::fail(base::ErrorCode::io_error, fmt::format("no inotify watch is left for '{}'", path),
                        "Raise fs.inotify.max_user_watches (sysctl)");
    }
    return std::unexpected(base::system_error(errno, fmt::format("watching '{}'", path)));
  }

  void clear_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_.get(), &count, sizeof count);
  }

  void drain(WatchEvents& out) {
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    while (true) {
      const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (got <= 0) return;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += sizeof(inotify_event) + event->len;
        take(*event, out);
      }
    }
  }

  void take(const inotify_event& event, WatchEvents& out) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) out.names_changed = true;
    const auto it = watches_.find(event.wd);
    if (it == watches_.end()) return;
    const Watch& watch = it->second;
    if ((event.mask & IN_MODIFY) != 0) {
      for (const auto& link : watch.links) out.modified.push_back(link);
      if (event.len == 0 || watch.folder.empty()) return;
      std::string path = watch.folder == "." ? std::string(event.name) : base::join_path(watch.folder, event.name);
      if (out.modified.empty() || out.modified.back() != path) out.modified.push_back(std::move(path));
      return;
    }
    // A folder that was removed or renamed is found again by its name, if it has one.
    const bool gone = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0;
    if (!gone && (event.mask & IN_ATTRIB) != 0 && event.len == 0) return;
    out.names_changed = true;
    if (!gone) return;
    folders_.erase(watch.folder);
    if ((event.mask & IN_IGNORED) == 0 && (event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(inotify_.get(), event.wd);
    watches_.erase(it);
  }

  const Descriptor inotify_;
  const Descriptor event_;
  std::map<int, Watch> watches_;
  std::set<std::string> folders_;
};

class SleepingWatcher final : public Watcher {
 public:
  explicit SleepingWatcher(std::string why) : why_(std::move(why)) {}

  base::Status watch_folder(const std::string&) override { return {}; }
  base::Status watch_link(const std::string&) override { return {}; }
  void wait(std::int64_t timeout_ns, WatchEvents&) override {
    base::MutexLock lock(mutex_);
    while (!awake_) {
      if (timeout_ns < 0) {
        condition_.wait(mutex_);
      } else if (!condition_.wait_for(mutex_, std::chrono::nanoseconds(timeout_ns))) {
        break;
      }
    }
    awake_ = false;
  }
  void rest(std::int64_t) override {}
  std::string limitation() const override { return why_; }
  void wake() override {
    base::MutexLock lock(mutex_);
    awake_ = true;
    condition_.notify_one();
  }

 private:
  const std::string why_;
  base::Mutex mutex_;
  base::Condition condition_;
  bool awake_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace

base::Result<std::unique_ptr<Watcher>> make_inotify_watcher() {
  Descriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (inotify.get() < 0) {
    auto error = base::system_error(errno, "starting inotify");
    error.remedy = "Raise fs.inotify.max_user_instances (sysctl)";
    return std::unexpected(std::move(error));
  }
  Descriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (event.get() < 0) return std::unexpected(base::system_error(errno, "making an eventfd"));
  return std::make_unique<InotifyWatcher>(std::move(inotify), std::move(event));
}

std::unique_ptr<Watcher> make_sleeping_watcher(std::string why) {
  return std::make_unique<SleepingWatcher>(std::move(why));
}

}  // namespace telltale::sources
