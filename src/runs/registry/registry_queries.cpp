// What the registry answers.
#include <algorithm>

#include "base/text.h"
#include "runs/registry/registry_impl.h"
#include "runs/registry/registry_load.h"

namespace telltale::runs {
namespace {

bool matches(const Test& test, const TestFilter& filter) {
  const TestKey& key = *test.key;
  if (filter.outcome && test.outcome != *filter.outcome) return false;
  if (!filter.worker.empty() && key.worker != filter.worker) return false;
  if (filter.match.empty() || key.id == filter.match) return true;
  return key.node_id.contains(filter.match) || key.name.contains(filter.match);
}

base::Error no_test(std::string_view id) {
  return {base::ErrorCode::test_not_found, "there is no test '" + base::to_printable(id.substr(0, 100)) + "'", {}};
}

}  // namespace

std::vector<std::string> Registry::Impl::run_ids_newest_first() {
  base::MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const KnownRun* known : newest_first(known_)) out.push_back(known->id);
  return out;
}

base::Result<RunPage> Registry::Impl::runs(const RunFilter& filter) {
  if (auto refreshed = refresh(false); !refreshed) return base::pass(refreshed);
  const std::vector<std::string> ids = run_ids_newest_first();
  auto next = ids.begin();
  if (!filter.after.empty()) {
    next = std::ranges::find(ids, filter.after);
    if (next == ids.end()) return base::fail(base::ErrorCode::cursor_expired, "the run '" + base::to_printable(filter.after) + "' is gone");
    ++next;
  }
  RunPage page;
  for (; next != ids.end() && page.runs.size() <= filter.limit; ++next) {
    const auto found = with_run(*next, [&](const Entry& entry) {
      if (!filter.state || entry.ledger.run().state == *filter.state) page.runs.push_back(entry.ledger.run());
    });
    if (!found && found.error().code != base::ErrorCode::run_not_found) return std::unexpected(found.error());
  }
  if (page.runs.size() <= filter.limit) return page;
  page.runs.pop_back();
  if (!page.runs.empty()) page.next = page.runs.back().id;
  return page;
}

base::Result<Run> Registry::Impl::run(std::string_view id) {
  Run run;
  if (auto found = with_run(id, [&](const Entry& entry) { run = entry.ledger.run(); }); !found) return base::pass(found);
  return run;
}

base::Result<Scope> Registry::Impl::scope(std::string_view run) {
  Scope scope;
  if (auto found = with_run(run, [&](const Entry& entry) { scope = entry.ledger.scope(); }); !found) return base::pass(found);
  return scope;
}

base::Result<TestPage> Registry::Impl::tests(const TestFilter& filter) {
  std::vector<std::string> ids{filter.run};
  std::string run_of_after;
  if (filter.run.empty()) {
    if (auto refreshed = refresh(false); !refreshed) return base::pass(refreshed);
    ids = run_ids_newest_first();
  }
  if (!filter.after.empty()) {
    auto found = run_of_test(filter.after);
    if (!found) return base::pass(found);
    run_of_after = std::move(*found);
    ids.erase(ids.begin(), std::ranges::find(ids, run_of_after));
  }
  TestPage page;
  for (const std::string& id : ids) {
    const auto found = with_run(id, [&](const Entry& entry) {
      auto number = static_cast<std::uint32_t>(entry.ledger.test_count());
      if (id == run_of_after) number = entry.ledger.find_test(filter.after).value_or(number);
      while (number-- > 0 && page.tests.size() <= filter.limit) {
        if (matches(entry.ledger.test(number), filter)) page.tests.push_back(entry.ledger.test(number));
      }
    });
    if (!found && (!filter.run.empty() || found.error().code != base::ErrorCode::run_not_found)) return std::unexpected(found.error());
    if (page.tests.size() > filter.limit) break;
  }
  if (page.tests.size() <= filter.limit) return page;
  page.tests.pop_back();
  if (!page.tests.empty()) page.next = page.tests.back().key->id;
  return page;
}

base::Result<Test> Registry::Impl::test(std::string_view id) {
  auto run = run_of_test(id);
  if (!run) return base::pass(run);
  Test test;
  const auto found = with_run(*run, [&](const Entry& entry) {
    if (const auto number = entry.ledger.find_test(id)) test = entry.ledger.test(*number);
  });
  if (!found) return std::unexpected(found.error());
  if (test.key == nullptr) return std::unexpected(no_test(id));
  return test;
}

std::optional<std::string> Registry::Impl::run_in_memory_of(std::string_view test) {
  base::MutexLock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry->ledger.find_test(test)) return id;
  }
  return std::nullopt;
}

base::Result<std::string> Registry::Impl::run_of_test(std::string_view test) {
  if (auto run = run_in_memory_of(test)) return *std::move(run);
  if (!is_test_id(test)) return std::unexpected(no_test(test));
  auto runs = runs_that_name(test, true);
  if (!runs) return base::pass(runs);
  if (runs->empty()) return std::unexpected(no_test(test));
  return runs->front();
}

// Runs with a test of that id or node id, newest first; read from the store's events.
base::Result<std::vector<std::string>> Registry::Impl::runs_that_name(std::string_view id_or_node_id, bool first_only) const {
  std::string quoted;
  base::append_json_string(quoted, id_or_node_id);
  const std::string as_test = "\"type\":\"test_started\"";
  const std::string as_id = "\"test\":" + quoted;
  const std::string as_node = "\"node_id\":" + quoted;
  std::vector<std::string> out;
  store::ScanRange range;
  range.lifecycle_only = true;
  range.newest_first = true;
  const auto status = ports_.reader.scan(
      range, [](const record::Stream& stream) { return is_lifecycle(stream.labels); },
      [&](const record::CommittedBatchRef& batch) {
        const record::Batch& events = batch->batch;
        const bool maybe = events.text.contains(as_id) || events.text.contains(as_node);
        const bool named = maybe && std::ranges::any_of(events.records, [&](const record::Record& record) {
                             const std::string_view line = events.line(record);
                             return line.contains(as_test) && (line.contains(as_id) || line.contains(as_node));
                           });
        if (!named) return store::ScanStep::go_on;
        std::string run(events.stream->labels.get("instance"));
        if (std::ranges::find(out, run) == out.end()) out.push_back(std::move(run));
        return first_only ? store::ScanStep::stop : store::ScanStep::go_on;
      });
  if (!status) return std::unexpected(status.error());
  return out;
}

base::Result<std::optional<TimeSpan>> Registry::Impl::run_bounds(std::string_view run) {
  std::optional<TimeSpan> bounds;
  const auto found = with_run(run, [&](const Entry& entry) { bounds = index_span_of(entry.ledger); });
  if (!found && found.error().code != base::ErrorCode::run_not_found) return std::unexpected(found.error());
  return bounds;
}

base::Result<std::optional<TimeSpan>> Registry::Impl::test_bounds(std::string_view id_or_node_id) {
  // A test's id is of one run; a node id may be of any.
  const auto in_memory = run_in_memory_of(id_or_node_id);
  const auto runs = in_memory ? base::Result<std::vector<std::string>>{std::vector{*in_memory}} : runs_that_name(id_or_node_id, false);
  if (!runs) return std::unexpected(runs.error());
  std::optional<TimeSpan> bounds;
  for (const std::string& id : *runs) {
    const auto found = with_run(id, [&](const Entry& entry) {
      const TimeSpan corrections = corrections_of(entry.ledger);
      for (const std::uint32_t number : entry.ledger.named(id_or_node_id)) {
        const TimeSpan span = entry.ledger.has_streams_of(number)
                                  ? index_span_of(entry.ledger)
                                  : entry.ledger.span_of_test(number).widened(corrections.to, add_nanos(late_id_ns, -corrections.from));
        bounds = bounds ? TimeSpan{std::min(bounds->from, span.from), std::max(bounds->to, span.to)} : span;
      }
    });
    if (!found && found.error().code != base::ErrorCode::run_not_found) return std::unexpected(found.error());
  }
  return bounds;
}

}  // namespace telltale::runs
