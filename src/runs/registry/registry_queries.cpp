// What the registry answers.
#include <algorithm>

#include "base/text.h"
#include "runs/registry/registry_impl.h"
#include "runs/registry/registry_load.h"

namespace telltale::runs {
namespace {

// Of a node id that more runs have, only the runs' times are looked at, which needs none of them in memory.
constexpr std::size_t most_exact_runs = 8;

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
    if (auto left_out = leave_out_runs_without(filter, ids); !left_out) return base::pass(left_out);
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

// Runs that have no test of such a name need not be read, nor be looked at again when others have taken their place in memory.
base::Status Registry::Impl::leave_out_runs_without(const TestFilter& filter, std::vector<std::string>& ids) {
  if (filter.match.empty()) return {};
  if (auto learned = learn_names(); !learned) return learned;
  base::MutexLock lock(mutex_);
  const TestNames::Meaning meaning = test_names_.holding(filter.match);
  std::erase_if(ids, [&](const std::string& id) TT_NO_THREAD_SAFETY_ANALYSIS {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return test_names_.knows(id) && !test_names_.has(id, meaning);
    const RunLedger& ledger = entry->second->ledger;
    for (std::uint32_t number = 0; number < ledger.test_count(); ++number) {
      if (matches(ledger.test(number), filter)) return false;
    }
    return true;
  });
  return {};
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

// Names of the tests of all runs that are neither in memory nor known by name: one pass over their events.
base::Status Registry::Impl::learn_names() {
  if (auto refreshed = refresh(false); !refreshed) return refreshed;
  base::MutexLock reading(names_mutex_);
  std::set<std::string, std::less<>> runs;
  store::Sequence from = ~store::Sequence{0};
  {
    base::MutexLock lock(mutex_);
    for (const auto& [id, known] : known_) {
      if (entries_.contains(id) || test_names_.knows(id) || test_names_.is_too_large(id)) continue;
      runs.insert(id);
      from = std::min(from, known.first_sequence);
    }
  }
  return runs.empty() ? base::Status() : read_names(runs, from);
}

base::Status Registry::Impl::read_names(const std::set<std::string, std::less<>>& runs, store::Sequence from) {
  store::ScanRange range;
  range.from_sequence = from;
  range.lifecycle_only = true;
  const auto wanted = [&](const record::Stream& stream) {
    return is_lifecycle(stream.labels) && runs.contains(stream.labels.get("instance"));
  };
  const auto status = ports_.reader.scan(range, wanted, [&](const record::CommittedBatchRef& batch) {
    for (const record::Record& record : batch->batch.records) {
      const std::string_view line = batch->batch.line(record);
      if (!line.contains("\"type\":\"test_started\"")) continue;
      const auto event = parse_event(line, 0, true);  // one that cannot be read is told of when its run is
      const auto* const started = event ? std::get_if<TestStarted>(&event->body) : nullptr;
      if (started == nullptr) continue;
      base::MutexLock lock(mutex_);
      test_names_.add(batch->batch.stream->labels.get("instance"), started->test, started->node_id, started->name);
    }
    return store::ScanStep::go_on;
  });
  if (!status) return status;
  base::MutexLock lock(mutex_);
  for (const std::string& run : runs) test_names_.complete(run);
  return {};
}

// Runs with a test of that id or node id, newest first.
base::Result<std::vector<std::string>> Registry::Impl::runs_that_name(std::string_view id_or_node_id, bool first_only) {
  if (auto learned = learn_names(); !learned) return base::pass(learned);
  std::vector<std::string> maybe;  // those without doubt, and those that are to be looked at
  std::set<std::string> unknown;
  {
    base::MutexLock lock(mutex_);
    const TestNames::Meaning meaning = test_names_.exactly(id_or_node_id);
    for (const KnownRun* known : newest_first(known_)) {
      const auto entry = entries_.find(known->id);
      const bool is_known = entry != entries_.end() || test_names_.knows(known->id);
      const bool has = entry != entries_.end() ? !entry->second->ledger.named(id_or_node_id).empty() : test_names_.has(known->id, meaning);
      if (is_known && !has) continue;
      maybe.push_back(known->id);
      if (!is_known) unknown.insert(known->id);
      if (is_known && first_only) break;
    }
  }
  std::vector<std::string> out;
  for (const std::string& id : maybe) {
    bool has = !unknown.contains(id);
    if (!has) {
      const auto found = with_run(id, [&](const Entry& entry) { has = !entry.ledger.named(id_or_node_id).empty(); });
      if (!found && found.error().code != base::ErrorCode::run_not_found) return std::unexpected(found.error());
    }
    if (has) out.push_back(id);
    if (has && first_only) break;
  }
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
  const auto widen = [&](const TimeSpan& span) {
    bounds = bounds ? TimeSpan{std::min(bounds->from, span.from), std::max(bounds->to, span.to)} : span;
  };
  if (runs->size() > most_exact_runs) {
    base::MutexLock lock(mutex_);
    for (const std::string& id : *runs) widen(rough_index_span(id));
    return bounds;
  }
  for (const std::string& id : *runs) {
    const auto found = with_run(id, [&](const Entry& entry) {
      const TimeSpan corrections = corrections_of(entry.ledger);
      for (const std::uint32_t number : entry.ledger.named(id_or_node_id)) {
        const TimeSpan span = entry.ledger.has_streams_of(number)
                                  ? index_span_of(entry.ledger)
                                  : entry.ledger.span_of_test(number).widened(corrections.to, add_nanos(late_id_ns, -corrections.from));
        widen(span);
      }
    });
    if (!found && found.error().code != base::ErrorCode::run_not_found) return std::unexpected(found.error());
  }
  return bounds;
}

}  // namespace telltale::runs
