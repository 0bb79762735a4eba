#include "sources/follow/testing/memory_transport.h"

#include <algorithm>

namespace telltale::sources::testing {

std::unique_ptr<PartParser> make_scripted_parser(WireFormat format, std::size_t max_bytes) {
  return format == WireFormat::frames ? make_timed_frames(max_bytes) : make_timed_lines(max_bytes);
}

class MemoryTransport::Connection final : public FollowConnection {
 public:
  explicit Connection(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~Connection() override { state_->open = false; }
  void pause(bool paused) override { state_->paused = paused; }

 private:
  const std::shared_ptr<State> state_;
};

std::unique_ptr<FollowConnection> MemoryTransport::open(const FollowRequest& request, std::shared_ptr<FollowHandler> handler) {
  requests.push_back(request);
  auto state = std::make_shared<State>();
  state->handler = std::move(handler);
  state->refused = !reachable;
  if (reachable) state->outcome = log_.answer(request);
  if (reachable && on_open) on_open(request);
  states_.push_back(state);
  return std::make_unique<Connection>(state);
}

bool MemoryTransport::give(State& state, std::size_t bytes) {
  if (!state.open || state.paused) return false;
  const auto close = [&](FollowEnd::Kind kind, base::ErrorCode code, const char* cause) {
    state.open = false;
    state.handler->closed({kind, {code, cause, {}}});
    return true;
  };
  if (state.refused) return close(FollowEnd::Kind::cut, base::ErrorCode::connection_failed, "connecting failed");
  if (state.outcome.gone) return close(FollowEnd::Kind::gone, base::ErrorCode::not_found, "there is no such container");
  if (!state.outcome.reader) return close(FollowEnd::Kind::clean, base::ErrorCode::internal, "");
  ScriptedLog::Reader& reader = *state.outcome.reader;
  if (!std::exchange(state.answered, true)) {
    state.handler->answered(reader.answer());
    return true;
  }
  reader.read(state.bytes, bytes);
  const std::size_t count = std::min(bytes, state.bytes.size());
  if (count > 0) {
    const std::string told = state.bytes.substr(0, count);
    state.bytes.erase(0, count);
    if (!state.handler->bytes(told)) state.paused = true;
    return true;
  }
  if (reader.at_end()) return close(FollowEnd::Kind::clean, base::ErrorCode::internal, "");
  return false;
}

bool MemoryTransport::give(std::size_t bytes) {
  std::erase_if(states_, [](const auto& state) { return !state->open; });
  bool any = false;
  for (const auto& state : std::vector(states_)) any = give(*state, bytes) || any;
  return any;
}

void MemoryTransport::cut() {
  for (const auto& state : std::vector(states_)) {
    if (!state->open) continue;
    state->open = false;
    state->handler->closed({FollowEnd::Kind::cut, {base::ErrorCode::connection_lost, "the connection broke", {}}});
  }
  states_.clear();
}

bool MemoryTransport::any_paused() const {
  return std::ranges::any_of(states_, [](const auto& state) { return state->open && state->paused; });
}

}  // namespace telltale::sources::testing
