#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "runs/model/event.h"
#include "runs/model/members.h"
#include "sources/file/glob.h"

namespace telltale::runs {
namespace {

namespace json = boost::json;
using base::nanos_per_millisecond;
using base::nanos_per_second;

constexpr std::size_t max_name_bytes = 1024;
constexpr std::size_t max_path_bytes = 4096;
constexpr std::size_t max_node_id_bytes = 4096;
constexpr std::size_t max_command_bytes = 16 * 1024;
constexpr std::size_t max_services = 1000;
constexpr std::size_t max_patterns = 1000;
constexpr std::size_t max_phases = 100;
constexpr std::int64_t day_ns = 24 * 3600 * nanos_per_second;
constexpr std::int64_t longest_ns = 40 * day_ns;  // milliseconds as doubles are exact to the nanosecond up to here

constexpr std::string_view run_outcome_words = "passed failed error interrupted no_tests";
constexpr std::string_view worker_outcome_words = "finished crashed";
constexpr std::string_view test_outcome_words = "passed failed error skipped xfailed xpassed rerun crashed interrupted";
constexpr std::string_view type_words =
    "run_started run_finished worker_started worker_finished test_started test_finished trace isolation clock_offset watch";

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_worker_id(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || std::string_view("._:@-").contains(c);
  });
}

bool is_file_stem(std::string_view text) {
  return is_printable(text) && !text.contains('/') && text != "." && text != "..";
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') && !path.contains('\0');
}

std::string worker_of(Members& members, Need need) {
  return members.text_if("worker", need, 64, is_worker_id, "letters, digits and . _ : @ -");
}

std::string test_of(Members& members, Need need) {
  return members.text_if("test", need, 64, is_test_id, "letters, digits and . _ -");
}

std::string trace_of(Members& members, Need need) {
  std::string trace = members.text("trace_id", need, 64);
  std::ranges::transform(trace, trace.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c; });
  if (!members.failed() && !trace.empty() && !is_trace_id(trace)) members.fail("trace_id", "is not 32 hexadecimal digits, not all zero");
  return trace;
}

// Longer messages lose their end, at a character's border.
std::string message_of(Members& members) {
  std::string message = members.text("message", Need::optional, 8 * 1024 * 1024);
  if (message.size() <= max_message_bytes) return message;
  constexpr std::string_view mark = "…";
  std::size_t size = max_message_bytes - mark.size();
  while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xc0) == 0x80) --size;
  message.resize(size);
  message += mark;
  return message;
}

// An empty pattern would stand in every line.
std::vector<std::string> patterns_of(Members& members, std::string_view name) {
  std::vector<std::string> patterns = members.texts(name, max_patterns, max_name_bytes);
  const bool blank = std::ranges::any_of(patterns, [](const std::string& pattern) { return base::trim(pattern).empty(); });
  if (blank) members.fail(name, "has a blank pattern, which would stand in every line");
  return patterns;
}

ErrorPatterns patterns_of(Members members) {
  return {.add = patterns_of(members, "add"), .replace = patterns_of(members, "replace"), .ignore = patterns_of(members, "ignore")};
}

Service service_of(Members members) {
  Service service;
  service.name = members.text_if("name", Need::required, 200, is_printable, "text without control characters");
  service.files = members.texts("files", max_patterns, max_path_bytes);
  for (const std::string& pattern : service.files) {
    if (!is_absolute(pattern)) members.fail("files", "has '" + pattern + "'; patterns begin with /");
    if (const auto glob = sources::Glob::parse(pattern); !glob) members.fail("files", "has a bad pattern: " + glob.error().cause);
  }
  service.clock_offset_ns = members.nanos("clock_offset_ms", Need::optional, nanos_per_millisecond, -longest_ns, longest_ns);
  const json::object* const patterns = members.object("error_patterns");
  if (patterns != nullptr) service.error_patterns = patterns_of(members.within(*patterns, "error_patterns"));
  return service;
}

std::vector<Service> services_of(Members& members, Need need) {
  std::vector<Service> services;
  const json::array* const list = members.array("services", need, max_services);
  if (list == nullptr) return services;
  for (const json::value& value : *list) {
    const json::object* const object = members.element(value, "services");
    if (object == nullptr) return {};
    services.push_back(service_of(members.within(*object, "services[" + std::to_string(services.size()) + "]")));
  }
  return services;
}

std::optional<Output> output_of(Members& members) {
  const json::object* const object = members.object("output");
  if (object == nullptr) return std::nullopt;
  Members inside = members.within(*object, "output");
  Output output;
  output.folder = inside.text_if("folder", Need::required, max_path_bytes, is_absolute, "an absolute path");
  output.nonce = inside.text("nonce", Need::required, 256);
  return output;
}

EventBody run_started(Members& members, bool stored) {
  RunStarted event;
  event.name = members.text("name", Need::optional, max_name_bytes);
  event.framework = members.text("framework", Need::optional, max_name_bytes);
  event.framework_version = members.text("framework_version", Need::optional, max_name_bytes);
  event.command = members.text("command", Need::optional, max_command_bytes);
  event.folder = members.text("folder", Need::optional, max_path_bytes);
  event.host = members.text("host", Need::optional, max_name_bytes);
  event.environment = members.text("environment", Need::optional, max_name_bytes);
  event.output = output_of(members);
  event.services = services_of(members, Need::optional);
  event.lifetime = members.choice("lifetime", Need::optional, Lifetime::connection, parse_lifetime, "connection lease");
  event.lease_ns = members.nanos("lease_s", Need::optional, nanos_per_second, nanos_per_second, 30 * day_ns).value_or(default_lease_ns);
  if (stored) event.remote = members.boolean("remote");
  return event;
}

EventBody run_finished(Members& members) {
  RunFinished event;
  event.outcome = members.choice("outcome", Need::required, RunOutcome::passed, parse_run_outcome, run_outcome_words);
  if (members.has("exit_code")) {
    event.exit_code = static_cast<int>(members.integer("exit_code", Need::required, 0, INT32_MIN, INT32_MAX));
  }
  return event;
}

EventBody worker_finished(Members& members) {
  WorkerFinished event;
  event.worker = worker_of(members, Need::required);
  event.outcome = members.choice("outcome", Need::required, WorkerOutcome::finished, parse_worker_outcome, worker_outcome_words);
  return event;
}

EventBody test_started(Members& members) {
  TestStarted event;
  event.test = test_of(members, Need::required);
  event.node_id = members.text("node_id", Need::required, max_node_id_bytes);
  event.name = members.text("name", Need::optional, max_node_id_bytes);
  event.attempt = static_cast<std::uint32_t>(members.integer("attempt", Need::optional, 1, 1, 1'000'000));
  event.worker = worker_of(members, Need::required);
  event.file_stem = members.text_if("file_stem", Need::optional, max_file_stem_bytes, is_file_stem, "a file's name without a slash");
  event.trace_id = trace_of(members, Need::optional);
  return event;
}

Phase phase_of(Members members) {
  Phase phase;
  phase.name = members.choice("name", Need::required, PhaseName::call, parse_phase_name, "setup call teardown");
  phase.outcome = members.choice("outcome", Need::required, TestOutcome::none, parse_test_outcome, test_outcome_words);
  phase.started = members.time("started", Need::required);
  phase.duration_ns = members.nanos("duration_ms", Need::required, nanos_per_millisecond, 0, longest_ns).value_or(0);
  return phase;
}

EventBody test_finished(Members& members) {
  TestFinished event;
  event.test = test_of(members, Need::required);
  event.outcome = members.choice("outcome", Need::required, TestOutcome::passed, parse_test_outcome, test_outcome_words);
  event.duration_ns = members.nanos("duration_ms", Need::optional, nanos_per_millisecond, 0, longest_ns).value_or(0);
  event.message = message_of(members);
  const json::array* const phases = members.array("phases", Need::optional, max_phases);
  if (phases == nullptr) return event;
  for (const json::value& value : *phases) {
    const json::object* const object = members.element(value, "phases");
    if (object == nullptr) break;
    event.phases.push_back(phase_of(members.within(*object, "phases[" + std::to_string(event.phases.size()) + "]")));
  }
  return event;
}

EventBody isolation(Members& members) {
  Isolation event;
  event.labels = members.labels("labels");
  event.test = test_of(members, Need::optional);
  event.worker = worker_of(members, Need::optional);
  if (event.test.empty() == event.worker.empty()) members.fail("test", "or 'worker': exactly one of them");
  return event;
}

EventBody clock_offset(Members& members) {
  ClockOffset event;
  event.labels = members.labels("labels");
  event.offset_ns = members.nanos("offset_ms", Need::required, nanos_per_millisecond, -longest_ns, longest_ns).value_or(0);
  event.uncertainty_ns = members.nanos("uncertainty_ms", Need::optional, nanos_per_millisecond, 0, longest_ns).value_or(0);
  const auto parse = [](std::string_view name) { return parse_offset_method(name); };
  event.method = members.choice("method", Need::required, OffsetMethod::measured, parse, "measured configured estimated");
  return event;
}

EventBody watch(Members& members) {
  Watch event;
  event.services = services_of(members, Need::required);
  event.test = test_of(members, Need::optional);
  if (!members.failed() && event.services.empty()) members.fail("services", "is empty");
  return event;
}

EventBody body_of(std::string_view type, Members& members, bool stored) {
  if (type == "run_started") return run_started(members, stored);
  if (type == "run_finished") return run_finished(members);
  if (type == "worker_started") return WorkerStarted{worker_of(members, Need::required)};
  if (type == "worker_finished") return worker_finished(members);
  if (type == "test_started") return test_started(members);
  if (type == "test_finished") return test_finished(members);
  if (type == "trace") return TraceNoted{test_of(members, Need::required), trace_of(members, Need::required)};
  if (type == "isolation") return isolation(members);
  if (type == "clock_offset") return clock_offset(members);
  if (type == "watch") return watch(members);
  if (type == "resumed" && stored) return Resumed{worker_of(members, Need::optional)};
  members.fail("type", "is '" + std::string(type) + "'; allowed: " + std::string(type_words));
  return Resumed{};
}

base::Result<Event> read_event(const json::object& object, std::size_t index, bool stored) {
  base::Status status;
  Members members(object, "event " + std::to_string(index), status);
  Event event;
  const std::string type = members.text_if("type", Need::required, 100, is_printable, type_words);
  event.id = members.text_if("id", Need::required, max_event_id_bytes, is_printable, "text without control characters");
  if (!stored && event.id.starts_with(engine_event_prefix)) members.fail("id", "begins with 'engine:', as only the engine's own do");
  event.time = members.time("time", Need::required);
  event.mono_ns = members.decimal("mono_ns");
  if (stored) event.reason = members.choice("reason", Need::optional, EndReason::none, parse_end_reason, "a reason");
  if (status) event.body = body_of(type, members, stored);
  if (!status) return base::pass(status);
  return event;
}

base::Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 16;
  json::parser parser({}, options);
  boost::system::error_code error;
  const std::size_t parsed = parser.write(json::string_view(text.data(), text.size()), error);
  if (!error) return parser.release();
  return base::fail(base::ErrorCode::malformed_request, "the JSON is wrong at byte " + std::to_string(parsed) + ": " + error.message());
}

}  // namespace

base::Result<std::vector<Event>> parse_events(std::string_view body) {
  const auto value = parse_json(body);
  if (!value) return std::unexpected(value.error());
  const json::object* const object = value->if_object();
  const json::value* const member = object != nullptr ? object->if_contains("events") : nullptr;
  const json::array* const list = member != nullptr ? member->if_array() : nullptr;
  if (list == nullptr || list->empty() || list->size() > max_events_per_request) {
    return base::fail(base::ErrorCode::invalid_argument,
                      "the body is not {\"events\":[...]} with 1 to " + std::to_string(max_events_per_request) + " events");
  }
  std::vector<Event> events;
  events.reserve(list->size());
  for (const json::value& entry : *list) {
    if (!entry.is_object()) {
      return base::fail(base::ErrorCode::invalid_argument, "event " + std::to_string(events.size()) + " is not an object");
    }
    auto event = read_event(entry.get_object(), events.size(), false);
    if (!event) return base::pass(event);
    events.push_back(std::move(*event));
  }
  return events;
}

base::Result<Event> parse_event(std::string_view json, std::size_t index, bool stored) {
  const auto value = parse_json(json);
  if (!value) return std::unexpected(value.error());
  if (value->is_object()) return read_event(value->get_object(), index, stored);
  return base::fail(base::ErrorCode::invalid_argument, "event " + std::to_string(index) + " is not an object");
}

}  // namespace telltale::runs
