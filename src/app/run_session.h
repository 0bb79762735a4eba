// `telltale run`: a command, the services that it needs, and what both write, as one run.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/engine_life.h"
#include "app/launch.h"
#include "app/output_claim.h"
#include "app/run_client.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "base/spawn.h"
#include "config/config.h"
#include "config/environments.h"
#include "sources/launch/command.h"
#include "sources/launch/service_set.h"

namespace telltale::app {

inline constexpr int exit_not_run = 125;  // by this program itself; 126 and 127: as shells say that a command cannot be executed

struct RunPlan {
  std::string run;
  std::string name;                  // for people; may be empty
  std::vector<std::string> command;  // its words
  std::string path;                  // of its program
  std::string folder;                // where this process works
  config::Config settings;
  std::optional<config::EnvironmentConfig> environment;
  std::string output;  // wanted folder of the files, absolute; empty: none are written
  bool audit = true;   // at the end
  EngineLifeOptions engine;
  base::SignalSettings signals;  // what the command finds set
};

struct RunSessionPorts {
  base::Files& files;
  const base::Clock& clock;
  base::Random& random;
  std::function<void(std::string_view)> note;  // a line on standard error
};

// How `telltale run` is to end.
struct RunResult {
  sources::ExitStatus status;
};

// One a process, from its first thread, before any other is started: it takes over the process's signals.
class RunSession final : private sources::ServiceListener {
 public:
  RunSession(RunPlan plan, RunSessionPorts ports);
  ~RunSession() override;
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;

  // Returns when the command and the services have ended and all is told.
  RunResult run();

 private:
  void on_started(const std::string& service, std::int64_t pid) override;
  void on_ready(const std::string& service) override;
  void on_failed(const std::string& service, const sources::ServiceFailure& failure) override;
  void on_ended(const std::string& service, const sources::ExitStatus& status, bool asked) override;

  void take_signals();
  void on_signal();
  void claim_output();
  runs::RunStarted started_event() const;
  void find_engine();
  bool start_services();
  std::vector<std::string> command_environment() const;
  bool start_command();
  void wait_for_command();
  void close();
  void tell_end(const RunEnd& end);
  bool is_asked_to_end() const { return end_signal_ != 0; }

  const RunPlan plan_;
  const RunSessionPorts ports_;
  sources::Loop loop_;
  base::Descriptor signals_;
  Redactor redactor_;
  std::optional<OutputClaim> output_;
  EngineFinder finder_;
  std::unique_ptr<RunClient> client_;
  RunClient::Begun begun_;
  std::unique_ptr<sources::RelayKeeper> keeper_;
  std::unique_ptr<sources::ServiceSet> services_;
  std::unique_ptr<sources::Command> command_;
  std::vector<std::string> failed_services_;
  std::vector<std::string> ended_services_;  // by themselves; texts
  base::MonoNanos command_began_ = 0;
  std::int64_t command_ns_ = 0;
  int end_signal_ = 0;  // that this process was sent to end it
  bool closing_ = false;
  sources::DrainReport drained_;
  sources::ExitStatus result_;
};

}  // namespace telltale::app
