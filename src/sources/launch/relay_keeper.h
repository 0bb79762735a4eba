// Keeps a relay that reads the pipes of programs: hands pipes over, starts another relay when one dies, and reads itself when they keep
// dying, so that programs never wait.
#pragma once

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
#include "base/spawn.h"
#include "sources/launch/local_drain.h"
#include "sources/launch/loop.h"
#include "sources/relay/control.h"

namespace telltale::sources {

struct RelayKeeperOptions {
  std::string run;
  std::string host;
  std::string name;       // small letters and digits: tells the streams of this starter from those of others
  base::Program program;  // what a relay is; the control channel is added
  int most_deaths = 5;    // of relays one after the other, each sooner than healthy_ns
  std::int64_t healthy_ns = 10 * base::nanos_per_second;
};

// Called on the loop's thread.
struct RelayKeeperPorts {
  Loop& loop;
  const base::Clock& clock;
  std::function<void(std::uint32_t stream)> on_ready;  // a line held its ready_text
};

// What the engine has at some moment.
struct DrainReport {
  bool done = false;                // all that was asked for
  std::uint64_t kept_lines = 0;     // that no engine has taken yet
  std::uint64_t dropped_lines = 0;  // for want of room
  int through_failure = 0;          // errno of what kept output from being passed on; 0: nothing did
};

// The loop's thread alone.
class RelayKeeper {
 public:
  RelayKeeper(RelayKeeperOptions options, RelayKeeperPorts ports);
  ~RelayKeeper();
  RelayKeeper(const RelayKeeper&) = delete;
  RelayKeeper& operator=(const RelayKeeper&) = delete;

  // Starts the first relay. When that fails it reads itself; the error is for a warning.
  base::Status start();

  struct Writer {
    std::uint32_t number = 0;
    base::Descriptor pipe;  // the program's end
  };
  // A new stream. `through`: what the program would have written to; it stays the caller's. too_many_open_files; invalid_argument when
  // there are too many.
  base::Result<Writer> add(RelayedStream stream, int through = -1);
  // Nothing is left to read in the stream.
  bool has_ended(std::uint32_t stream) const { return streams_.at(stream).ended; }
  // A process group that is ended when this process dies without a word.
  void hold_group(std::int64_t group);
  void release_group(std::int64_t group);

  // The newest lines of a service, oldest first.
  void tail(const std::string& service, std::function<void(std::vector<std::string>)> callback);
  enum class Goal : std::uint8_t { passed_on, stored };
  // All that the pipes hold now is passed on, or also stored by an engine; or the time has passed.
  void drain(Goal goal, std::int64_t timeout_ns, std::function<void(const DrainReport&)> callback);
  // Lets the loop run until all that the pipes hold now is stored, as long as it becomes less; `stop` is asked too.
  DrainReport drain_all(std::int64_t patience_ns, std::int64_t most_ns, const std::function<bool()>& stop);

  // Is what is read taken by an engine?
  bool is_connected() const { return connected_; }
  bool was_connected() const { return was_connected_; }
  // Why not, as it was said last; empty: nothing was said yet.
  const std::string& trouble() const { return trouble_; }

  // Nothing more comes: the relay ends by itself when its pipes do.
  void finish();

 private:
  struct Stream {
    RelayedStream about;
    std::string key;
    base::Descriptor pipe;     // reading end: while it is here, no program gets SIGPIPE
    base::Descriptor through;  // may be empty
    bool handed_over = false;  // some relay had it
    bool ended = false;
  };
  struct Asked {
    ControlMessage message;
    base::MonoNanos until = 0;  // of drains
    std::function<void(const ControlMessage&)> callback;
  };

  base::Status start_relay();
  void hand_over(std::uint32_t number, Stream& stream);
  void ask(ControlMessage message, base::MonoNanos until, std::function<void(const ControlMessage&)> callback);
  void send_asked(const Asked& asked);
  void on_message();
  void take(const ControlMessage& message);
  void answer(std::uint64_t number, const ControlMessage& message);
  void on_relay_gone();
  void drain_here();
  void take_over(std::uint32_t number, Stream& stream);
  void answer_here(Asked asked);
  void look_at_drain(std::uint64_t number, const std::map<std::uint32_t, std::uint64_t>& targets);

  const RelayKeeperOptions options_;
  const RelayKeeperPorts ports_;
  base::Descriptor progress_;
  std::unique_ptr<ControlChannel> control_;  // null: no relay
  std::map<std::uint32_t, Stream> streams_;
  std::set<std::int64_t> groups_;
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t next_question_ = 1;
  base::MonoNanos relay_since_ = 0;
  int deaths_ = 0;
  bool finished_ = false;
  bool connected_ = false;
  bool was_connected_ = false;
  std::string trouble_;
  std::unique_ptr<LocalDrain> local_;  // when relays keep dying
};

}  // namespace telltale::sources
