// What the handlers of all routes work with.
#pragma once

#include <functional>
#include <optional>

#include "api/rest/application.h"
#include "api/rest/router.h"
#include "api/rest/tally_cache.h"

namespace telltale::api {

// Immutable but for what it keeps of runs; outlives the executors' tasks.
class RestContext {
 public:
  explicit RestContext(ApiDependencies dependencies);

  const ApiDependencies& parts() const { return parts_; }
  base::UnixNanos started() const { return started_; }
  std::int64_t uptime_ns() const { return parts_.clock.mono() - started_mono_; }
  std::optional<PortRole> role_of(std::uint16_t port) const;
  TallyCache& tallies() const { return tallies_; }

  // Runs `work` on the executor and answers with what it gives; overloaded when the executor takes no more.
  void answer_on(Executor& executor, const CallRef& call, std::function<base::Result<net::Response>()> work) const;

 private:
  const ApiDependencies parts_;
  const base::UnixNanos started_;
  const base::MonoNanos started_mono_;
  mutable TallyCache tallies_;
};

// Answers at once.
void answer(const CallRef& call, net::Response response);
void answer(const CallRef& call, const base::Error& error);
void answer_overloaded(const CallRef& call);
// 200 with a JSON body.
net::Response json_response(std::string body);

}  // namespace telltale::api
