// The relay process: holds and reads the pipes of a run's programs (docs/decisions/0006-relay.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "sources/relay/control.h"
#include "sources/relay/link.h"
#include "sources/relay/progress.h"
#include "sources/relay/spool.h"
#include "sources/relay/stream_reader.h"

namespace telltale::sources {

struct RelayOptions {
  std::string relay;                                     // tells it from others
  std::uint64_t spool_bytes = 16 * 1024 * 1024;          // of what no engine has stored
  std::int64_t linger_ns = 10 * base::nanos_per_second;  // for an engine that takes nothing when all pipes have ended
  std::int64_t grace_ns = 5 * base::nanos_per_second;    // between SIGTERM and SIGKILL
};

struct RelayPorts {
  const base::Clock& clock;
  // Blocks for seconds at the most. False: none is to be started, for the run is over. On the link's thread.
  std::function<base::Result<EngineTarget>(bool may_start)> find_engine;
};

// One a process. run() is the main thread's.
class Relay {
 public:
  Relay(RelayOptions options, RelayPorts ports, ControlChannel control);
  ~Relay();

  // Returns when its starter is done or gone, its pipes have ended, and all is stored or nobody takes it.
  base::Status run();

 private:
  struct Held {
    StreamName name;
    std::unique_ptr<StreamReader> reader;
  };
  struct Drain {
    std::uint64_t id = 0;
    std::vector<std::uint64_t> targets;
    bool stored = true;                  // else: passed on
    std::optional<std::uint64_t> order;  // all below is to be stored; nothing: pipes still hold something of it
    base::MonoNanos until = 0;
  };

  base::Status begin();
  bool serve_starter();
  bool has_orders() const;
  void take(ControlPacket packet);
  void add_stream(ControlPacket& packet);
  void start_link();
  void tell_state(const base::Error* error) TT_EXCLUDES(mutex_);
  void tell(ControlMessage message) TT_EXCLUDES(mutex_);
  void send_told() TT_EXCLUDES(mutex_);
  void wake();
  void answer_drains();
  bool is_done(Drain& drain);
  void send_tail(const ControlMessage& asked);
  void on_starter_gone();
  void end_groups();
  bool is_over();
  int time_to_wait() const;
  bool has_stream(std::uint32_t number) TT_EXCLUDES(mutex_);
  std::vector<std::uint64_t> known_bytes() TT_EXCLUDES(mutex_);
  bool has_handled(const std::vector<std::uint64_t>& targets) TT_EXCLUDES(mutex_);
  bool has_passed_on(const std::vector<std::uint64_t>& targets) TT_EXCLUDES(mutex_);
  bool all_ended() TT_EXCLUDES(mutex_);

  const RelayOptions options_;
  const RelayPorts ports_;
  ControlChannel control_;
  base::Descriptor event_;  // something happened
  base::Descriptor stop_;   // readers are to return
  Spool spool_;
  std::unique_ptr<Progress> progress_;
  std::atomic<std::uint64_t> max_line_bytes_{relay_max_line_bytes};
  std::unique_ptr<Link> link_;
  std::optional<std::string> state_;  // the link's thread's: why there is no connection; empty: there is one
  std::string run_;
  std::string host_;
  std::atomic<bool> starter_gone_{false};
  std::atomic<bool> taking_orders_{false};
  std::atomic<bool> finishing_{false};
  std::set<std::int64_t> groups_;
  base::MonoNanos kill_at_ = 0;     // 0: no group is being ended
  base::MonoNanos over_since_ = 0;  // all pipes have ended and nothing more was stored since
  std::atomic<bool> news_{false};   // more was stored
  std::vector<Drain> drains_;

  base::Mutex mutex_;
  std::map<std::uint32_t, Held> streams_ TT_GUARDED_BY(mutex_);
  std::vector<ControlMessage> told_ TT_GUARDED_BY(mutex_);
  base::TaskGroup tasks_;
};

}  // namespace telltale::sources
