#include "sources/launch/command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace telltale::sources {

namespace {

bool is_open(int descriptor) {
  struct stat info{};
  return ::fstat(descriptor, &info) == 0;
}

bool lead_to_the_same(int one, int other) {
  struct stat first{};
  struct stat second{};
  if (::fstat(one, &first) != 0 || ::fstat(other, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Is what is written there captured?
bool is_passed_on(int descriptor) {
  return is_open(descriptor) && ::isatty(descriptor) == 0;
}

}  // namespace

base::Status Command::start(base::Program program) {
  program.place = base::Program::Place::same_group;
  program.keep_others = true;
  if (is_open(STDIN_FILENO)) program.descriptors.emplace_back(STDIN_FILENO, STDIN_FILENO);
  std::vector<base::Descriptor> ours;
  if (auto added = add_stream(program, STDOUT_FILENO, ours); !added) return added;
  const bool shared = !ours.empty() && is_passed_on(STDERR_FILENO) && lead_to_the_same(STDOUT_FILENO, STDERR_FILENO);
  if (shared) {
    program.descriptors.emplace_back(STDERR_FILENO, ours[0].get());
  } else if (auto added = add_stream(program, STDERR_FILENO, ours); !added) {
    return added;
  }
  if (auto log = ProcessLog::open(keeper_, clock_, command_service, "command")) log_ = std::move(*log);
  if (auto started = child_.start(program, [](const ExitStatus&) {}); !started) return started;
  if (log_) log_->started(child_.pid());
  return {};
}

base::Status Command::add_stream(base::Program& program, int descriptor, std::vector<base::Descriptor>& ours) {
  if (!is_open(descriptor)) return {};
  if (!is_passed_on(descriptor)) {
    program.descriptors.emplace_back(descriptor, descriptor);
    return {};
  }
  auto writer = keeper_.add({command_service, descriptor == STDOUT_FILENO ? "stdout" : "stderr", "command"}, descriptor);
  if (!writer) return base::pass(writer);
  streams_.push_back(writer->number);
  program.descriptors.emplace_back(descriptor, writer->pipe.get());
  ours.push_back(std::move(writer->pipe));
  return {};
}

void Command::record_end(bool expected) {
  if (!log_ || !exit_status()) return;
  log_->ended(*exit_status(), expected);
  log_->close();
}

}  // namespace telltale::sources
