#include "app/engine_life.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/detached.h"
#include "app/version.h"
#include "base/spawn.h"
#include "base/text.h"
#include "net/http/client.h"

namespace telltale::app {

using base::ErrorCode;
using base::Result;

namespace {

constexpr int engine_nice = 5;
constexpr std::int64_t look_ns = 20 * base::nanos_per_millisecond;  // between looks while another process starts or ends an engine
constexpr std::uint64_t log_keep_bytes = 4 * 1024 * 1024;
constexpr std::size_t shown_log_bytes = 2048;

std::string text_member(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

net::Headers bearer(const std::string& token) {
  if (token.empty()) return {};
  return {{"authorization", "Bearer " + token}};
}

// What an engine says of itself on /api/v1/status.
struct Answer {
  int status = 0;
  std::int64_t pid = 0;
  std::string version;
  std::string data_folder;
};

Result<Answer> ask(const std::string& url_text, const std::string& token, std::int64_t timeout_ns) {
  auto url = net::parse_url(url_text);
  if (!url) return base::pass(url);
  url->target = "/api/v1/status";
  auto response = net::http_request(*url, "GET", bearer(token), "", timeout_ns);
  if (!response) return base::pass(response);
  Answer answer{.status = response->status, .pid = 0, .version = {}, .data_folder = {}};
  boost::system::error_code error;
  const auto value = boost::json::parse(response->body, error);
  if (error || !value.is_object()) return answer;
  const auto& object = value.as_object();
  if (const auto* pid = object.if_contains("pid"); pid != nullptr && pid->is_int64()) answer.pid = pid->as_int64();
  answer.version = text_member(object, "version");
  answer.data_folder = text_member(object, "data_folder");
  return answer;
}

bool is_alive(std::int64_t pid) {
  return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

void pause_for(std::int64_t nanos) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<std::int64_t>(nanos, 0)));
}

int poll_milliseconds(std::int64_t nanos) {
  return static_cast<int>(std::clamp<std::int64_t>(nanos / base::nanos_per_millisecond, 0, 1000));
}

}  // namespace

EngineLife::EngineLife(base::Files& files, const base::Clock& clock, EngineLifeOptions options)
    : files_(files), clock_(clock), options_(std::move(options)) {}

std::int64_t EngineLife::time_left(base::MonoNanos deadline) const {
  return std::max<std::int64_t>(deadline - clock_.mono(), 0);
}

// An engine that somebody named must be there. A token that may not read its status is as good as any.
Result<EngineAddress> EngineLife::named() {
  auto answer = ask(*options_.url, options_.token, options_.probe_ns);
  if (!answer) {
    answer.error().cause = fmt::format("the engine named by --url or TELLTALE_URL: {}", answer.error().cause);
    return base::pass(answer);
  }
  if (answer->status == 401)
    return base::fail(ErrorCode::unauthorized, "the engine named by --url or TELLTALE_URL does not know the token");
  if (answer->status != 200 && answer->status != 403) {
    return base::fail(ErrorCode::connection_failed,
                      fmt::format("what is named by --url or TELLTALE_URL answers with HTTP {}: it is no engine", answer->status));
  }
  return EngineAddress{*options_.url, options_.token, answer->pid, answer->data_folder, answer->version, false};
}

// Nothing: the file outlived its engine, or the engine is about to end.
Result<std::optional<EngineAddress>> EngineLife::probe(const EngineFile& file) {
  const auto answer = ask(file.url, file.token, options_.probe_ns);
  if (!answer) {
    if (answer.error().code == ErrorCode::timeout && is_alive(file.pid)) {
      return base::fail(ErrorCode::timeout,
                        fmt::format("the engine of {} (pid {}) does not answer within {}", options_.data_folder, file.pid,
                                    base::format_duration(options_.probe_ns)),
                        fmt::format("See whether it is stopped (`kill -CONT {}`), end it with `kill {}`, or use another data folder.",
                                    file.pid, file.pid));
    }
    return std::optional<EngineAddress>();
  }
  // Another program may have its port by now, even another engine: that one does not know this token, or has another number.
  if (answer->status != 200 || answer->pid != file.pid) return std::optional<EngineAddress>();
  return std::optional<EngineAddress>({file.url, file.token, file.pid, options_.data_folder, answer->version, false});
}

Result<std::optional<EngineAddress>> EngineLife::find() {
  auto file = read_engine_file(files_, options_.data_folder);
  if (!file) return base::pass(file);
  if (!*file) return std::optional<EngineAddress>();
  return probe(**file);
}

Result<EngineAddress> EngineLife::attach() {
  if (options_.url) return named();
  auto found = find();
  if (!found) return base::pass(found);
  if (*found) return std::move(**found);
  return base::fail(ErrorCode::engine_not_found, fmt::format("no engine runs with the data folder {}", options_.data_folder));
}

// Who has the lock starts; the others look until that engine answers.
Result<EngineAddress> EngineLife::start() {
  if (options_.url) return named();
  const base::MonoNanos deadline = clock_.mono() + options_.start_ns;
  if (auto made = files_.make_directories(options_.data_folder); !made) return base::pass(made);
  const std::string path = base::join_path(options_.data_folder, "start.lock");
  while (true) {
    auto found = find();
    if (!found) return base::pass(found);
    if (*found) return std::move(**found);
    auto lock = files_.lock(path, fmt::format("pid {}\n", ::getpid()));
    if (lock) {
      // The one before may have started it between the look and the lock.
      found = find();
      if (!found) return base::pass(found);
      return *found ? Result<EngineAddress>(std::move(**found)) : spawn(deadline);
    }
    if (lock.error().code != ErrorCode::store_locked) return base::pass(lock);
    if (time_left(deadline) == 0) {
      return base::fail(ErrorCode::timeout,
                        fmt::format("another process ({}) did not start the engine of {} within {}", lock.error().cause,
                                    options_.data_folder, base::format_duration(options_.start_ns)),
                        fmt::format("See {}/engine.log.", options_.data_folder));
    }
    pause_for(std::min(look_ns, time_left(deadline)));
  }
}

Result<EngineAddress> EngineLife::spawn(base::MonoNanos deadline) {
  DetachedProgram program{.path = options_.program,
                          .arguments = {"serve"},
                          .environment = options_.environment,
                          .log = base::join_path(options_.data_folder, "engine.log"),
                          .nice = engine_nice};
  auto& words = program.arguments;
  words.insert(words.end(), options_.serve_arguments.begin(), options_.serve_arguments.end());
  for (const std::string& word :
       {std::string("--data"), options_.data_folder, std::string("--automatic"), std::string("--idle-exit"),
        base::format_duration(options_.idle_exit_ns), std::string("--ready-descriptor"), std::to_string(ready_descriptor)}) {
    words.push_back(word);
  }
  const std::uint64_t log_begin = begin_log();
  auto process = start_detached(program);
  if (!process) return base::pass(process);
  return await(*process, log_begin, deadline);
}

// Its size; what grew large is put aside first.
std::uint64_t EngineLife::begin_log() {
  const std::string path = base::join_path(options_.data_folder, "engine.log");
  const auto info = files_.info(path);
  if (!info) return 0;
  if (info->size < log_keep_bytes) return info->size;
  return files_.rename(path, path + ".1") ? 0 : info->size;
}

// Until the engine says that it is ready, or another one is there: a hand may have started one at the same moment.
Result<EngineAddress> EngineLife::await(const DetachedProcess& process, std::uint64_t log_begin, base::MonoNanos deadline) {
  bool ended = false;
  while (!ended) {
    pollfd waiting{process.ready.get(), POLLIN, 0};
    const int news = ::poll(&waiting, 1, poll_milliseconds(std::min(time_left(deadline), 5 * look_ns)));
    char word = 0;
    ended = news > 0 && ::read(process.ready.get(), &word, 1) <= 0;
    auto found = find();
    if (found && *found) {
      (*found)->started = (*found)->pid == process.pid;
      return std::move(**found);
    }
    if (ended || time_left(deadline) > 0) continue;
    return base::fail(
        ErrorCode::timeout,
        fmt::format("the engine of {} was not ready within {}", options_.data_folder, base::format_duration(options_.start_ns)),
        fmt::format("It goes on starting; see {}/engine.log.", options_.data_folder));
  }
  return base::fail(ErrorCode::engine_not_found, fmt::format("the engine could not start: {}", last_words(log_begin)),
                    fmt::format("See {}/engine.log, or run `telltale serve` to see it start.", options_.data_folder));
}

// What the engine wrote before it ended: its last two lines are an error's cause and remedy.
std::string EngineLife::last_words(std::uint64_t log_begin) {
  const std::string nothing = "it wrote nothing";
  auto file = files_.open_read(base::join_path(options_.data_folder, "engine.log"));
  if (!file) return nothing;
  const auto info = (*file)->info();
  if (!info || info->size <= log_begin) return nothing;
  std::string text(std::min<std::uint64_t>(info->size - log_begin, shown_log_bytes), '\0');
  const auto got = (*file)->read_at(info->size - text.size(), text);
  if (!got) return nothing;
  text.resize(*got);
  std::string_view rest = base::trim(text);
  const std::string_view remedy = rest.substr(rest.rfind('\n') + 1);
  rest = base::trim(rest.substr(0, rest.size() - remedy.size()));
  const std::string_view cause = rest.substr(rest.rfind('\n') + 1);
  return base::to_printable(cause.empty() ? remedy : fmt::format("{} ({})", cause, base::trim(remedy)));
}

Result<EngineAddress> EngineLife::stop() {
  if (options_.url) {
    return base::fail(ErrorCode::invalid_argument, "an engine named by --url or TELLTALE_URL is not ended from here",
                      "Unset TELLTALE_URL to end the one of a data folder.");
  }
  auto file = read_engine_file(files_, options_.data_folder);
  if (!file) return base::pass(file);
  if (*file) {
    const auto ended = end((*file)->pid);
    if (ended) return EngineAddress{(*file)->url, "", (*file)->pid, options_.data_folder, (*file)->version, false};
    if (ended.error().code != ErrorCode::engine_not_found) return std::unexpected(ended.error());
  }
  return base::fail(ErrorCode::engine_not_found, fmt::format("no engine runs with the data folder {}", options_.data_folder));
}

// Whoever holds the store's lock is the engine, also when it does not answer; the number in an old file may be anybody's by now.
base::Status EngineLife::end(std::int64_t pid) {
  const std::string path = base::join_path(options_.data_folder, "lock");
  const base::Descriptor process = base::open_process(pid);
  if (!process.valid() || !files_.info(path)) return base::fail(ErrorCode::engine_not_found, "the process is not there");
  const auto lock = files_.lock(path, fmt::format("pid {}\n", ::getpid()));
  const bool runs = !lock && lock.error().cause.ends_with(fmt::format("pid {}", pid));
  if (!runs) return base::fail(ErrorCode::engine_not_found, "the process is not the engine");
  if (!base::signal_process(process, SIGTERM)) {
    const int cause = errno;
    return std::unexpected(base::system_error(cause, fmt::format("ending the engine with pid {}", pid)));
  }
  pollfd gone{process.get(), POLLIN, 0};
  const base::MonoNanos deadline = clock_.mono() + options_.start_ns;
  while (::poll(&gone, 1, poll_milliseconds(time_left(deadline))) <= 0) {
    if (time_left(deadline) > 0) continue;
    return base::fail(ErrorCode::timeout,
                      fmt::format("the engine with pid {} did not end within {}", pid, base::format_duration(options_.start_ns)),
                      fmt::format("`kill -9 {}` ends it at once; what it stored survives that.", pid));
  }
  return {};
}

std::optional<std::string> version_warning(const EngineAddress& engine) {
  if (engine.version.empty() || engine.version == version()) return std::nullopt;
  return fmt::format(
      "the engine at {} is of version {}, this is {}; `telltale engine stop` ends it, the next command starts one of this version",
      engine.url, engine.version, version());
}

}  // namespace telltale::app
