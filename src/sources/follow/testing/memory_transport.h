// A scripted server without a socket: a test gives its bytes, cuts them anywhere, and says when an answer ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sources/follow/testing/scripted_log.h"
#include "sources/follow/timed_parts.h"
#include "sources/follow/transport.h"

namespace telltale::sources::testing {

std::unique_ptr<PartParser> make_scripted_parser(WireFormat format, std::size_t max_bytes);

// One thread. The log outlives it.
class MemoryTransport final : public FollowTransport {
 public:
  explicit MemoryTransport(const ScriptedLog& log) : log_(log) {}

  std::unique_ptr<FollowConnection> open(const FollowRequest& request, std::shared_ptr<FollowHandler> handler) override;
  std::unique_ptr<PartParser> make_parser(std::size_t max_line_bytes) override {
    return make_scripted_parser(log_.habits().format, max_line_bytes);
  }

  // Tells each connection up to `bytes` bytes of what there is, and the ends that are due. False: nothing was told.
  bool give(std::size_t bytes);
  // Breaks all connections.
  void cut();
  // Answers none until it is told so.
  bool reachable = true;
  std::vector<FollowRequest> requests;
  std::function<void(const FollowRequest&)> on_open;  // of each that is answered
  bool any_paused() const;

 private:
  struct State {
    std::shared_ptr<FollowHandler> handler;
    ScriptedLog::Outcome outcome;
    std::string bytes;  // read and not told
    bool answered = false;
    bool open = true;
    bool paused = false;
    bool refused = false;
  };
  class Connection;
  bool give(State& state, std::size_t bytes);

  const ScriptedLog& log_;
  std::vector<std::shared_ptr<State>> states_;  // shared: the connections
};

}  // namespace telltale::sources::testing
