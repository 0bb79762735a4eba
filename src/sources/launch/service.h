// One service: started, waited for until it is ready, ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/task_group.h"
#include "config/config.h"
#include "sources/launch/file_text.h"
#include "sources/launch/loop.h"
#include "sources/launch/process_log.h"
#include "sources/launch/program_group.h"
#include "sources/launch/relay_keeper.h"

namespace telltale::sources {

// Why a service is not there.
struct ServiceFailure {
  std::string condition;           // "was not ready within 30s: nothing accepts connections on 127.0.0.1:80"
  std::vector<std::string> lines;  // what it wrote last, redacted
  // All of it on one line.
  std::string text() const;
};

struct ServicePorts {
  Loop& loop;
  const base::Clock& clock;
  base::Files& files;
  RelayKeeper& keeper;
  base::TaskGroup& tasks;                               // for looking at ports
  std::function<std::string(std::string_view)> redact;  // takes secrets out of what a service wrote
};

// What a service tells; called on the loop's thread.
struct ServiceEvents {
  std::function<void(std::int64_t pid)> on_started;
  std::function<void()> on_ready;
  std::function<void(const ServiceFailure&)> on_failed;  // it will not be ready; what runs of it is left running
  std::function<void(const ExitStatus&)> on_ended;       // its program
  std::function<void()> on_over;                         // after end(): all of its processes
};

// The loop's thread alone.
class Service {
 public:
  enum class State : std::uint8_t { waiting, starting, failing, ready, failed };

  Service(config::ServiceConfig config, ServicePorts ports, ServiceEvents events);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const std::string& name() const { return config_.name; }
  const std::vector<std::string>& after() const { return config_.after; }
  State state() const { return state_; }
  bool is_settled() const { return state_ == State::ready || state_ == State::failed; }

  // `environment`: NAME=value; those of the configuration are added. What cannot be started fails.
  void start(const std::vector<std::string>& environment);
  // Without having been started.
  void fail(std::string condition);
  // SIGTERM, and SIGKILL after the time. It need not have been started.
  void end(std::int64_t grace_ns);
  void kill();
  // Was a stream of it told to be ready?
  void on_ready_line(std::uint32_t stream);

 private:
  base::Result<base::Program> program(const std::vector<std::string>& environment) const;
  base::Status launch(const std::vector<std::string>& environment);
  bool is_address_free() const;
  void await_ready();
  void look_at_files();
  void look_at_port();
  void become_ready();
  void on_exit(const ExitStatus& status);
  void begin_to_fail(std::string condition);
  void ask_for_lines();
  void on_lines(const std::vector<std::string>& lines);
  void stop_waiting();
  std::string unmet() const;

  const config::ServiceConfig config_;
  const ServicePorts ports_;
  const ServiceEvents events_;
  State state_ = State::waiting;
  bool ending_ = false;
  ProgramGroup group_;
  std::optional<ProcessLog> log_;
  std::vector<std::uint32_t> streams_;  // of its output
  std::unique_ptr<FileText> file_text_;
  std::uint64_t late_timer_ = 0;
  std::uint64_t file_timer_ = 0;
  std::uint64_t lines_timer_ = 0;
  base::MonoNanos lines_by_ = 0;
  ServiceFailure failure_;

  // Between the loop's thread and the one that looks at a port.
  struct Looking {
    std::atomic<bool> enough{false};
    base::Mutex mutex;
    base::Condition changed;
    std::string trouble TT_GUARDED_BY(mutex);
  };
  std::shared_ptr<Looking> looking_;  // shared: the thread's too
};

}  // namespace telltale::sources
