// A relay's connection to an engine: made, kept, made anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "net/http/client.h"
#include "sources/process/relay_message.h"
#include "sources/relay/progress.h"
#include "sources/relay/spool.h"

namespace telltale::sources {

struct EngineTarget {
  std::string url;    // http://127.0.0.1:40123
  std::string token;  // empty: none
};

// How a stream is named to engines.
struct StreamName {
  std::string key;
  std::vector<std::pair<std::string, std::string>> labels;
};

// All outlives the link; called on its thread.
struct LinkPorts {
  const base::Clock& clock;
  Spool& spool;
  Progress& progress;
  std::atomic<std::uint64_t>& max_line_bytes;                              // set to what the engine takes
  std::function<base::Result<EngineTarget>()> find_engine;                 // may take seconds
  std::function<StreamName(std::uint32_t)> name_of;                        // of a stream of the spool
  std::function<std::optional<std::vector<std::uint64_t>>()> known_bytes;  // of every pipe, now; nothing: ask after the next wake()
  std::function<bool(const std::vector<std::uint64_t>&)> has_handled;      // they are in the spool
  std::function<void(const base::Error*)> on_state;  // null: an engine takes lines; else why not, each time it was tried
  std::function<void()> on_news;                     // more is stored
};

struct LinkOptions {
  std::string relay;
  std::string run;
  std::string host;
  std::int64_t connect_ns = 2 * base::nanos_per_second;
  std::int64_t silence_ns = 60 * base::nanos_per_second;  // of an engine that has something to answer: then it is given up
};

// run() is its thread's body; wake() from any thread.
class Link {
 public:
  Link(LinkOptions options, LinkPorts ports) : options_(std::move(options)), ports_(std::move(ports)) {}

  void run(const std::stop_token& stop);
  // There is something to send.
  void wake() TT_EXCLUDES(mutex_);

 private:
  struct Barrier {
    std::uint64_t id = 0;
    std::optional<std::vector<std::uint64_t>> targets;  // nothing: not known yet
    std::optional<std::uint64_t> order;                 // all below is to be sent; nothing: pipes still hold something of it
  };

  base::Status connect();
  base::Status serve(const std::stop_token& stop);
  base::Status send_all();
  base::Status announce();
  base::Status answer_barriers();
  base::Status receive();
  base::Status take(std::string_view text);
  void take(const RelayWelcome& welcome);
  void take(const RelayPosition& position);
  void take(const RelayCommitted& committed);
  void take(const RelayEnded& ended);
  void take(const RelayBarrier& barrier);
  void set_client(std::unique_ptr<net::WsClient> client) TT_EXCLUDES(mutex_);
  void wait_before_retry(const std::stop_token& stop) TT_EXCLUDES(mutex_);

  const LinkOptions options_;
  const LinkPorts ports_;
  net::WsClient* client_ = nullptr;  // the thread's view of owned_
  std::set<std::uint32_t> announced_;
  std::vector<Barrier> barriers_;
  std::uint64_t window_ = 0;  // 0: not welcome yet
  base::MonoNanos last_heard_ = 0;
  std::int64_t retry_ns_ = 0;
  std::atomic<bool> sleeping_{false};

  base::Mutex mutex_;
  base::Condition woken_;
  std::unique_ptr<net::WsClient> owned_ TT_GUARDED_BY(mutex_);  // replaced by the thread; others interrupt it
};

}  // namespace telltale::sources
