// The client's side of a run that a command is: its begin and its end are told to the engine, also to one that comes after a killed one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "app/engine_finder.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "net/http/client.h"
#include "runs/model/event.h"

namespace telltale::app {

// At this moment.
runs::Event make_event(const base::Clock& clock, std::string id, runs::EventBody body);
// The body of the request that sends them.
std::string events_request(const std::vector<runs::Event>& events);

struct RunClientOptions {
  std::string run;
  runs::RunStarted started;
  std::int64_t request_ns = 800 * base::nanos_per_millisecond;  // for one answer
  std::int64_t finish_ns = 10 * base::nanos_per_second;         // for the end, of an engine that answers
  bool audit = true;                                            // at the end
};

// What the engine says of the run at its end.
struct RunEnd {
  bool told = false;                           // it has the run's end
  std::optional<boost::json::object> run;      // its answer to GET /api/v1/runs/RUN, when it gave one
  std::optional<std::uint64_t> command_lines;  // of the command's output, that it has
  std::optional<boost::json::object> audit;    // its answer to GET /api/v1/runs/RUN/audit
};

// start() once, finish() once; a thread of its own in between. All else from any thread.
class RunClient {
 public:
  // The finder and the clock outlive it; the finder is its thread's from start() on.
  RunClient(RunClientOptions options, EngineFinder& finder, const base::Clock& clock);
  ~RunClient();
  RunClient(const RunClient&) = delete;
  RunClient& operator=(const RunClient&) = delete;

  // Begins to look for the engine and tells it the run's begin.
  void start();
  // The engine has the run, or `trouble` says why not yet, or the time has passed.
  struct Begun {
    std::optional<EngineAddress> engine;  // that has the run
    std::string trouble;
    std::string warnings;  // of the engine; one text
  };
  Begun wait_until_begun(std::int64_t timeout_ns) TT_EXCLUDES(mutex_);
  // Tells the end, and waits until the run's files are final; returns soon where no engine answers.
  // `request_ns`: for one answer, from now on.
  RunEnd finish(runs::RunFinished finished, std::int64_t request_ns) TT_EXCLUDES(mutex_);

 private:
  void run(const std::stop_token& stop);
  base::Status connect(bool may_start);
  base::Status send(const runs::Event& event);
  base::Result<net::Response> ask(std::string_view method, const std::string& target, std::string_view body);
  void begin(const std::stop_token& stop) TT_EXCLUDES(mutex_);
  void keep(const std::stop_token& stop) TT_EXCLUDES(mutex_);
  RunEnd end(const runs::RunFinished& finished);
  std::optional<boost::json::object> settled_run(base::MonoNanos deadline);
  std::optional<boost::json::object> audit();
  bool is_finishing() TT_EXCLUDES(mutex_);
  void pause(const std::stop_token& stop, std::int64_t nanos) TT_EXCLUDES(mutex_);

  const RunClientOptions options_;
  EngineFinder& finder_;
  const base::Clock& clock_;
  const runs::Event started_;
  std::atomic<std::int64_t> request_ns_;

  // The thread's.
  std::unique_ptr<net::HttpClient> client_;
  std::optional<EngineAddress> engine_;

  base::Mutex mutex_;
  base::Condition changed_;
  Begun begun_ TT_GUARDED_BY(mutex_);
  std::optional<runs::RunFinished> finished_ TT_GUARDED_BY(mutex_);
  std::optional<RunEnd> end_ TT_GUARDED_BY(mutex_);
  base::TaskGroup tasks_;
};

}  // namespace telltale::app
