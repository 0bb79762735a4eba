#include "runs/audit/audit.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "runs/audit/origin_check.h"
#include "runs/audit/origin_ranges.h"

namespace telltale::runs {

namespace {

constexpr std::size_t tests_page = 10'000;

struct TestSpan {
  TestKeyRef key;
  TimeSpan span;
};

base::Result<std::vector<TestSpan>> tests_of(const Registry& registry, const std::string& run) {
  std::vector<TestSpan> tests;
  TestFilter filter;
  filter.run = run;
  filter.limit = tests_page;
  do {
    auto page = registry.tests(filter);
    if (!page) return base::pass(page);
    for (const Test& test : page->tests) tests.push_back({test.key, {test.started, test.finished.value_or(INT64_MAX)}});
    filter.after = page->next;
  } while (!filter.after.empty());
  std::ranges::sort(tests, {}, [](const TestSpan& test) { return std::tie(test.span.from, test.key->id); });
  return tests;
}

class Audit {
 public:
  Audit(const AuditPorts& ports, const AuditOptions& options, const std::stop_token& stop)
      : ports_(ports), options_(options), stop_(stop), begin_(ports.clock.mono()) {
    budget_.left = options.max_read_bytes == 0 ? UINT64_MAX : options.max_read_bytes;
    budget_.give_up = [this] { return is_over(); };
  }

  base::Result<AuditReport> run(const std::string& id) {
    auto origins = read_stored_origins(ports_, id, options_, [this] { return is_over(); });
    if (!origins) return base::pass(origins);
    auto tests = tests_of(ports_.registry, id);
    if (!tests) return base::pass(tests);
    tests_ = *std::move(tests);
    report_.run = id;
    report_.finished = origins->finished;
    check(*origins);
    finish(*origins);
    return std::move(report_);
  }

 private:
  bool is_over() const { return stop_.stop_requested() || ports_.clock.mono() - begin_ >= options_.timeout_ns; }

  void check(const StoredOrigins& origins) {
    std::map<std::tuple<std::string, std::string>, StreamAudit> streams;
    for (const auto& [key, origin] : origins.by_key) {
      std::vector<const StoredOrigin*> others;
      for (const auto& [other_key, other] : origins.by_key) {
        if (other_key != key && other.stream->id == origin.stream->id && !other.ranges.empty()) others.push_back(&other);
      }
      OriginVerdict verdict = OriginCheck(ports_, options_, origins, origin, std::move(others), budget_).run();
      StreamAudit& stream = streams[{origin.service, origin.stream->labels.to_text()}];
      stream.service = origin.service;
      stream.stream = origin.stream;
      ++stream.origins;
      stream.counts.add(verdict.counts);
      report_.total.add(verdict.counts);
      for (AuditFinding& finding : verdict.findings) keep(origin, std::move(finding));
    }
    for (auto& [key, stream] : streams) report_.streams.push_back(std::move(stream));
  }

  void keep(const StoredOrigin& origin, AuditFinding finding) {
    finding.service = origin.service;
    finding.stream = origin.stream;
    for (const TestSpan& test : tests_) {
      if (!test.span.meets(finding.written)) continue;
      if (finding.tests.size() < options_.max_tests) {
        finding.tests.push_back(test.key);
      } else {
        ++finding.more_tests;
      }
    }
    report_.findings.push_back(std::move(finding));
  }

  void finish(const StoredOrigins& origins) {
    std::ranges::sort(report_.findings, {},
                      [](const AuditFinding& one) { return std::tie(one.kind, one.written.from, one.service, one.from); });
    if (report_.findings.size() > options_.max_findings) {
      report_.more_findings = report_.findings.size() - options_.max_findings;
      report_.findings.resize(options_.max_findings);
    }
    const std::string_view cause = stop_.stop_requested() ? "it was cancelled" : is_over() ? "the time was over" : "a limit was reached";
    if (origins.truncated) report_.notes.push_back(fmt::format("not all of the store was looked at: {}", cause));
    if (budget_.exhausted) report_.notes.push_back(fmt::format("not all of the sources was read again: {}", cause));
    report_.elapsed_ns = ports_.clock.mono() - begin_;
  }

  const AuditPorts& ports_;
  const AuditOptions& options_;
  const std::stop_token stop_;
  const base::MonoNanos begin_;
  ReadBudget budget_;
  std::vector<TestSpan> tests_;
  AuditReport report_;
};

}  // namespace

std::string_view name_of(AuditKind kind) {
  switch (kind) {
    case AuditKind::loss:
      return "loss";
    case AuditKind::repetition:
      return "repetition";
    case AuditKind::changed:
      return "changed";
    case AuditKind::gap:
      return "gap";
    case AuditKind::gone:
      return "gone";
    case AuditKind::unread:
      return "unread";
  }
  return "";
}

std::string_view name_of(AuditVerdict verdict) {
  switch (verdict) {
    case AuditVerdict::clean:
      return "clean";
    case AuditVerdict::incomplete:
      return "incomplete";
    case AuditVerdict::broken:
      return "broken";
  }
  return "";
}

void AuditCounts::add(const AuditCounts& other) {
  for (const auto member : {&AuditCounts::lines, &AuditCounts::bytes, &AuditCounts::ranges, &AuditCounts::compared_bytes,
                            &AuditCounts::lost_bytes, &AuditCounts::lost_lines, &AuditCounts::repeated_bytes, &AuditCounts::repeated_lines,
                            &AuditCounts::changed_bytes, &AuditCounts::gaps, &AuditCounts::gap_lines, &AuditCounts::gone_bytes,
                            &AuditCounts::not_again_bytes, &AuditCounts::unread_bytes, &AuditCounts::later_bytes}) {
    this->*member += other.*member;
  }
}

AuditVerdict AuditReport::verdict() const {
  if (!total.is_clean()) return AuditVerdict::broken;
  return notes.empty() && total.unread_bytes == 0 ? AuditVerdict::clean : AuditVerdict::incomplete;
}

base::Result<AuditReport> audit(const AuditPorts& ports, const std::string& run, const AuditOptions& options, const std::stop_token& stop) {
  return Audit(ports, options, stop).run(run);
}

}  // namespace telltale::runs
