#include "runs/model/run.h"

#include <algorithm>
#include <span>

namespace telltale::runs {
namespace {

constexpr std::string_view run_states[] = {"running", "finished"};
constexpr std::string_view run_outcomes[] = {"none", "passed", "failed", "error", "interrupted", "no_tests"};
constexpr std::string_view worker_outcomes[] = {"none", "finished", "crashed"};
constexpr std::string_view test_outcomes[] = {"none",    "passed",  "failed", "error",   "skipped",
                                              "xfailed", "xpassed", "rerun",  "crashed", "interrupted"};
constexpr std::string_view phase_names[] = {"setup", "call", "teardown"};
constexpr std::string_view lifetimes[] = {"connection", "lease"};
constexpr std::string_view end_reasons[] = {"none", "connection_closed", "lease_expired", "engine_restarted", "worker_ended", "run_ended"};
constexpr std::string_view output_states[] = {"none", "local", "remote"};

template <class Enum>
std::optional<Enum> parse(std::span<const std::string_view> names, std::string_view name, std::size_t first) {
  const auto found = std::find(names.begin() + static_cast<std::ptrdiff_t>(first), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

constexpr bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_plain_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace

std::string_view name_of(RunState state) {
  return run_states[static_cast<std::size_t>(state)];
}
std::string_view name_of(RunOutcome outcome) {
  return run_outcomes[static_cast<std::size_t>(outcome)];
}
std::string_view name_of(WorkerOutcome outcome) {
  return worker_outcomes[static_cast<std::size_t>(outcome)];
}
std::string_view name_of(TestOutcome outcome) {
  return test_outcomes[static_cast<std::size_t>(outcome)];
}
std::string_view name_of(PhaseName phase) {
  return phase_names[static_cast<std::size_t>(phase)];
}
std::string_view name_of(Lifetime lifetime) {
  return lifetimes[static_cast<std::size_t>(lifetime)];
}
std::string_view name_of(EndReason reason) {
  return end_reasons[static_cast<std::size_t>(reason)];
}
std::string_view name_of(OutputState state) {
  return output_states[static_cast<std::size_t>(state)];
}

std::optional<RunState> parse_run_state(std::string_view name) {
  return parse<RunState>(run_states, name, 0);
}
std::optional<RunOutcome> parse_run_outcome(std::string_view name) {
  return parse<RunOutcome>(run_outcomes, name, 1);
}
std::optional<WorkerOutcome> parse_worker_outcome(std::string_view name) {
  return parse<WorkerOutcome>(worker_outcomes, name, 1);
}
std::optional<TestOutcome> parse_test_outcome(std::string_view name) {
  return parse<TestOutcome>(test_outcomes, name, 1);
}
std::optional<PhaseName> parse_phase_name(std::string_view name) {
  return parse<PhaseName>(phase_names, name, 0);
}
std::optional<Lifetime> parse_lifetime(std::string_view name) {
  return parse<Lifetime>(lifetimes, name, 0);
}
std::optional<EndReason> parse_end_reason(std::string_view name) {
  return parse<EndReason>(end_reasons, name, 1);
}

bool is_run_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alphanumeric(text.front()) && is_plain_word(text);
}

bool is_test_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_plain_word(text);
}

bool is_trace_id(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 32 && std::ranges::all_of(text, is_hex) && std::ranges::any_of(text, [](char c) { return c != '0'; });
}

}  // namespace telltale::runs
