// When an engine was last used, and the moment from which it takes nothing more because nobody does.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/http/server.h"

namespace telltale::app {

class ActivityState;

// Who knows whether runs are under way: an engine with an open run is in use, however silent it is.
class OpenRuns {
 public:
  virtual ~OpenRuns() = default;
  // Quick; any thread.
  virtual bool has_open_runs() const = 0;
};

// An Application that passes everything on and notes when: a request from its coming to its answer, a relay while it is connected (its
// programs may be silent), another WebSocket whenever something goes over it. handle, upgrade and connection_closed on the net thread, the
// rest from any.
class Activity final : public net::Application {
 public:
  // All outlive it; `runs` may be null. What it gives out (responders, handlers) may outlive it.
  Activity(net::Application& inner, const base::Clock& clock, const OpenRuns* runs);

  void handle(net::Request request, net::Responder respond) override;
  net::UpgradeDecision upgrade(const net::Request& request) override;
  void connection_closed(std::uint64_t connection) override;

  // True when nothing was used for `idle_ns` and no run is open: from then on every request is refused with 503, so nobody can find an
  // engine that is about to end. Stays true.
  bool end_if_idle(std::int64_t idle_ns);

 private:
  net::Application& inner_;
  const OpenRuns* const runs_;
  const std::shared_ptr<ActivityState> state_;  // second owners: what was given out
};

}  // namespace telltale::app
