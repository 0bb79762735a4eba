// Finding the engine of a data folder, starting one when there is none, ending it: for `telltale engine`, `telltale run` and, through the
// former, clients in other languages (docs/reference/engine.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/detached.h"
#include "app/engine_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"

namespace telltale::app {

struct EngineAddress {
  std::string url;
  std::string token;        // empty: none is asked for
  std::int64_t pid = 0;     // 0: not known, it may be on another machine
  std::string data_folder;  // as the engine names it
  std::string version;
  bool started = false;  // by this call
};

struct EngineLifeOptions {
  std::optional<std::string> url;  // a named engine: nothing else is looked for, and none is started
  std::string token;               // for the named engine
  std::string data_folder;         // absolute
  std::string program;             // to run as `PROGRAM serve …`
  std::vector<std::string> serve_arguments;
  std::vector<std::string> environment;  // of an engine that is started: NAME=value
  std::int64_t idle_exit_ns = 30 * base::nanos_per_second;
  std::int64_t probe_ns = 2 * base::nanos_per_second;   // for an engine that is there to answer
  std::int64_t start_ns = 10 * base::nanos_per_second;  // for all of start()
};

// Blocking; one thread an object. Any number of objects in any number of processes may start at once: one engine comes of it.
class EngineLife {
 public:
  // Both outlive it.
  EngineLife(base::Files& files, const base::Clock& clock, EngineLifeOptions options);

  // The engine that runs: it answered. engine_not_found; timeout when it is there and does not answer; connection_failed or unauthorized
  // for a named one.
  base::Result<EngineAddress> attach();
  // attach(), else starts one and waits until it answers. What a killed engine left behind is no hindrance.
  base::Result<EngineAddress> start();
  // Asks the engine of the data folder to end and waits until it has; engine_not_found; timeout when it does not end within start_ns.
  base::Result<EngineAddress> stop();

 private:
  base::Result<std::optional<EngineAddress>> find();
  base::Result<std::optional<EngineAddress>> probe(const EngineFile& file);
  base::Result<EngineAddress> named();
  base::Result<EngineAddress> spawn(base::MonoNanos deadline);
  base::Result<EngineAddress> await(const DetachedProcess& process, std::uint64_t log_begin, base::MonoNanos deadline);
  base::Status end(std::int64_t pid);
  std::uint64_t begin_log();
  std::string last_words(std::uint64_t log_begin);
  std::int64_t time_left(base::MonoNanos deadline) const;

  base::Files& files_;
  const base::Clock& clock_;
  const EngineLifeOptions options_;
};

// For people: what is odd about an engine of another version than this program; nothing when it is of the same.
std::optional<std::string> version_warning(const EngineAddress& engine);

}  // namespace telltale::app
