#include "app/activity.h"

#include <utility>
#include <variant>

#include "sources/process/relay_message.h"

namespace telltale::app {

class ActivityState {
 public:
  explicit ActivityState(const base::Clock& clock) : clock_(clock), last_(clock.mono()) {}

  // False: the engine ends.
  bool begin() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (ended_) return false;
    ++under_way_;
    return true;
  }
  void end() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    --under_way_;
    last_ = clock_.mono();
  }
  void touch() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    last_ = clock_.mono();
  }
  bool end_if_idle(std::int64_t idle_ns, const OpenRuns* runs) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (ended_) return true;
    if (under_way_ > 0 || (runs != nullptr && runs->has_open_runs())) {
      last_ = clock_.mono();  // the time counts from the end of the use
      return false;
    }
    ended_ = clock_.mono() - last_ >= idle_ns;
    return ended_;
  }

 private:
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::uint64_t under_way_ TT_GUARDED_BY(mutex_) = 0;
  base::MonoNanos last_ TT_GUARDED_BY(mutex_);
  bool ended_ TT_GUARDED_BY(mutex_) = false;
};

namespace {

// One request under way, until its responder is gone.
class Use {
 public:
  explicit Use(std::shared_ptr<ActivityState> state) : state_(std::move(state)) {}
  ~Use() { state_->end(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  const std::shared_ptr<ActivityState> state_;
};

// Nothing when the engine ends.
std::shared_ptr<Use> begin_use(const std::shared_ptr<ActivityState>& state) {
  return state->begin() ? std::make_shared<Use>(state) : nullptr;
}

net::Response refusal() {
  return net::problem({base::ErrorCode::cancelled, "the engine ends because nothing used it", {}});
}

class ActiveHandler final : public net::WsHandler {
 public:
  // `use`: while it is connected; null: only when something is said.
  ActiveHandler(std::unique_ptr<net::WsHandler> inner, std::shared_ptr<ActivityState> state, std::shared_ptr<Use> use)
      : inner_(std::move(inner)), state_(std::move(state)), use_(std::move(use)) {}

  void on_open(const std::shared_ptr<net::WsConnection>& connection) override {
    state_->touch();
    inner_->on_open(connection);
  }
  void on_text(std::string_view message) override {
    state_->touch();
    inner_->on_text(message);
  }
  bool on_binary(std::string_view message) override {
    state_->touch();
    return inner_->on_binary(message);
  }
  void on_drained() override {
    state_->touch();
    inner_->on_drained();
  }
  void on_close() override {
    state_->touch();
    inner_->on_close();
    use_.reset();
  }
  std::string subprotocol() const override { return inner_->subprotocol(); }

 private:
  const std::unique_ptr<net::WsHandler> inner_;
  const std::shared_ptr<ActivityState> state_;
  std::shared_ptr<Use> use_;
};

}  // namespace

Activity::Activity(net::Application& inner, const base::Clock& clock, const OpenRuns* runs)
    : inner_(inner), runs_(runs), state_(std::make_shared<ActivityState>(clock)) {}

void Activity::handle(net::Request request, net::Responder respond) {
  auto use = begin_use(state_);
  if (use == nullptr) return respond(refusal());
  inner_.handle(std::move(request),
                [respond = std::move(respond), use = std::move(use)](net::Response response) { respond(std::move(response)); });
}

net::UpgradeDecision Activity::upgrade(const net::Request& request) {
  auto use = begin_use(state_);
  if (use == nullptr) return refusal();
  auto decision = inner_.upgrade(request);
  auto* handler = std::get_if<std::unique_ptr<net::WsHandler>>(&decision);
  if (handler == nullptr || *handler == nullptr) return decision;
  if (request.path != sources::relay_path) use.reset();
  return std::make_unique<ActiveHandler>(std::move(*handler), state_, std::move(use));
}

void Activity::connection_closed(std::uint64_t connection) {
  inner_.connection_closed(connection);
}

bool Activity::end_if_idle(std::int64_t idle_ns) {
  return state_->end_if_idle(idle_ns, runs_);
}

}  // namespace telltale::app
