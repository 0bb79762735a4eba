#include "app/run_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"

namespace telltale::app {

using base::Status;

namespace {

constexpr std::int64_t retry_ns = 100 * base::nanos_per_millisecond;
constexpr std::int64_t look_ns = 200 * base::nanos_per_millisecond;  // whether the engine is still there
constexpr std::int64_t final_turn_ms = 250;

std::string warnings_of(const net::Response& response) {
  std::string all;
  const auto answer = object_of(response);
  if (!answer) return all;
  for (const auto& one : array_of(*answer, "warnings")) {
    if (!one.is_string()) continue;
    if (!all.empty()) all += "; ";
    all += base::to_printable(std::string_view(one.get_string()));
  }
  return all;
}

// Its files are final, or cannot be had.
bool is_settled(const boost::json::object& run) {
  const auto& output = object_of(run, "output");
  return text_of(output, "state") != "local" || !text_of(output, "problem").empty() || flag_of(output, "final");
}

}  // namespace

runs::Event make_event(const base::Clock& clock, std::string id, runs::EventBody body) {
  runs::Event event;
  event.id = std::move(id);
  event.time = clock.wall();
  event.mono_ns = clock.mono();
  event.body = std::move(body);
  return event;
}

std::string events_request(const std::vector<runs::Event>& events) {
  std::string body = "{\"events\":[";
  for (const runs::Event& event : events) {
    if (body.back() != '[') body += ',';
    runs::append_event(body, event);
  }
  return body + "]}";
}

RunClient::RunClient(RunClientOptions options, EngineFinder& finder, const base::Clock& clock)
    : options_(std::move(options)),
      finder_(finder),
      clock_(clock),
      started_(make_event(clock, "run-started", options_.started)),
      request_ns_(options_.request_ns),
      tasks_("run-client") {}

RunClient::~RunClient() {
  tasks_.request_stop();
  tasks_.close();
}

void RunClient::start() {
  tasks_.spawn("run-events", [this](const std::stop_token& stop) { run(stop); });
}

RunClient::Begun RunClient::wait_until_begun(std::int64_t timeout_ns) {
  const base::MonoNanos deadline = clock_.mono() + timeout_ns;
  base::MutexLock lock(mutex_);
  while (!begun_.engine && begun_.trouble.empty()) {
    const std::int64_t left = deadline - clock_.mono();
    if (left <= 0) break;
    changed_.wait_for(mutex_, std::chrono::nanoseconds(left));
  }
  return begun_;
}

RunEnd RunClient::finish(runs::RunFinished finished, std::int64_t request_ns) {
  base::MutexLock lock(mutex_);
  finished_ = finished;
  request_ns_ = request_ns;
  changed_.notify_all();
  while (!end_) changed_.wait(mutex_);
  return *end_;
}

// --- the thread

void RunClient::run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] {
    base::MutexLock lock(mutex_);
    changed_.notify_all();
  });
  begin(stop);
  keep(stop);
  std::optional<runs::RunFinished> finished;
  {
    base::MutexLock lock(mutex_);
    finished = finished_;
  }
  if (!finished) return;
  auto ended = end(*finished);
  base::MutexLock lock(mutex_);
  end_ = std::move(ended);
  changed_.notify_all();
}

bool RunClient::is_finishing() {
  base::MutexLock lock(mutex_);
  return finished_.has_value();
}

void RunClient::pause(const std::stop_token& stop, std::int64_t nanos) {
  const base::MonoNanos until = clock_.mono() + nanos;
  base::MutexLock lock(mutex_);
  while (!stop.stop_requested() && !finished_) {
    const std::int64_t left = until - clock_.mono();
    if (left <= 0) return;
    changed_.wait_for(mutex_, std::chrono::nanoseconds(left));
  }
}

Status RunClient::connect(bool may_start) {
  auto engine = finder_.find(may_start);
  if (!engine) return base::pass(engine);
  const auto url = net::parse_url(engine->url);
  if (!url) return std::unexpected(url.error());
  client_ = net::HttpClient::create(*url);
  engine_ = std::move(*engine);
  return {};
}

base::Result<net::Response> RunClient::ask(std::string_view method, const std::string& target, std::string_view body) {
  net::Headers headers;
  if (!engine_->token.empty()) headers.emplace_back("authorization", "Bearer " + engine_->token);
  if (!body.empty()) headers.emplace_back("content-type", "application/json");
  return client_->request(method, target, headers, body, request_ns_);
}

// The same event again is no second one.
Status RunClient::send(const runs::Event& event) {
  auto answer = ask("POST", fmt::format("/api/v1/runs/{}/events", net::url_encode(options_.run)), events_request({event}));
  if (!answer) return base::pass(answer);
  if (answer->status != 200) {
    return base::fail(base::ErrorCode::connection_failed,
                      fmt::format("the engine refused the run ({}): {}", answer->status, error_of(*answer).cause));
  }
  if (auto warnings = warnings_of(*answer); !warnings.empty()) {
    base::MutexLock lock(mutex_);
    begun_.warnings = std::move(warnings);
  }
  return {};
}

void RunClient::begin(const std::stop_token& stop) {
  while (!stop.stop_requested() && !is_finishing()) {
    Status done = connect(true);
    if (done) done = send(started_);
    if (done) {
      base::MutexLock lock(mutex_);
      begun_.engine = engine_;
      changed_.notify_all();
      return;
    }
    client_.reset();
    {
      base::MutexLock lock(mutex_);
      begun_.trouble = done.error().cause;
      changed_.notify_all();
    }
    pause(stop, retry_ns);
  }
}

// Who connects anew owns the run by saying its begin again.
void RunClient::keep(const std::stop_token& stop) {
  while (!stop.stop_requested() && !is_finishing()) {
    if (client_ == nullptr || !client_->connected()) {
      Status done = connect(true);
      if (done) done = send(started_);
      if (!done) client_.reset();
    }
    pause(stop, look_ns);
  }
}

// An engine that is slow is asked again as long as it says that it is there.
RunEnd RunClient::end(const runs::RunFinished& finished) {
  RunEnd end;
  const runs::Event event = make_event(clock_, "run-finished", finished);
  const base::MonoNanos deadline = clock_.mono() + options_.finish_ns;
  while (!end.told && clock_.mono() < deadline) {
    if (client_ == nullptr || !client_->connected()) {
      if (!connect(false) || !send(started_)) return end;
    }
    const Status sent = send(event);
    end.told = sent.has_value();
    if (sent) break;
    client_.reset();
    if (sent.error().code != base::ErrorCode::timeout && sent.error().code != base::ErrorCode::connection_lost) return end;
  }
  if (!end.told) return end;
  end.run = settled_run(deadline);
  if (!end.run) return end;
  const std::string query = fmt::format("{{source=\"process\",process=\"command\",stream!=\"process\",instance=\"{}\"}}", options_.run);
  const auto count = ask("GET", "/api/v1/count?query=" + net::url_encode(query), "");
  const auto counted = count && count->status == 200 ? object_of(*count) : base::Result<boost::json::object>();
  if (counted && counted->contains("records")) end.command_lines = count_of(*counted, "records");
  if (options_.audit) end.audit = audit();
  return end;
}

// It takes half of what one answer may take; what is not compared in that time is said.
std::optional<boost::json::object> RunClient::audit() {
  const std::int64_t timeout_ms = std::max<std::int64_t>(request_ns_ / 2 / base::nanos_per_millisecond, 1);
  const auto answer = ask("GET", fmt::format("/api/v1/runs/{}/audit?timeout_ms={}", net::url_encode(options_.run), timeout_ms), "");
  if (!answer || answer->status != 200) return std::nullopt;
  auto found = object_of(*answer);
  return found ? std::optional(std::move(*found)) : std::nullopt;
}

std::optional<boost::json::object> RunClient::settled_run(base::MonoNanos deadline) {
  std::optional<boost::json::object> shown;
  while (clock_.mono() < deadline) {
    auto answer = ask("GET", fmt::format("/api/v1/runs/{}?wait_ms={}", net::url_encode(options_.run), final_turn_ms), "");
    if (!answer || answer->status != 200) return shown;
    auto run = object_of(*answer);
    if (!run) return shown;
    shown = std::move(*run);
    if (is_settled(*shown)) return shown;
  }
  return shown;
}

}  // namespace telltale::app
