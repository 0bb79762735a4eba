#include "query/plan/compiled_query.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "query/lang/words.h"
#include "record/gap.h"
#include "record/internal.h"

namespace telltale::query {
namespace {

constexpr unsigned severity_count = 25;  // 0 (unset) to 24

bool holds(const SeverityFilter& filter, unsigned severity) {
  switch (filter.op) {
    case OrderOp::equal:
      return severity >= filter.low && severity <= filter.high;
    case OrderOp::not_equal:
      return severity < filter.low || severity > filter.high;
    case OrderOp::less:
      return severity < filter.low;
    case OrderOp::less_equal:
      return severity <= filter.high;
    case OrderOp::greater:
      return severity > filter.high;
    case OrderOp::greater_equal:
      return severity >= filter.low;
  }
  return false;
}

template <class Holds>
std::uint32_t severity_mask(Holds&& severity_holds) {
  std::uint32_t mask = 0;
  for (unsigned severity = 0; severity < severity_count; ++severity) {
    if (severity_holds(severity)) mask |= 1u << severity;
  }
  return mask;
}

struct RegexCounter {
  std::size_t count = 0;
  void operator()(const LabelMatcher& matcher) { count += is_regex(matcher.op) ? 1 : 0; }
  void operator()(const SeverityFilter&) {}
  void operator()(const LineFilter& filter) { count += is_regex(filter.op) ? filter.values.size() : 0; }
};

// A record may have several values: one that is the wanted value is enough; negated, none may be it. Without any it has the empty one.
bool any_of(const LabelCondition& condition, std::span<const std::string_view> values) {
  const bool held = values.empty() ? condition.is("")
                                   : std::any_of(values.begin(), values.end(), [&](std::string_view value) { return condition.is(value); });
  return held != condition.negative();
}

std::size_t count_regexes(const Query& query) {
  RegexCounter counter;
  for (const Condition& condition : query.selector) std::visit([&](const auto& part) { counter(part); }, condition);
  for (const Stage& stage : query.stages) std::visit([&](const auto& part) { counter(part); }, stage);
  return counter.count;
}

}  // namespace

base::Result<std::shared_ptr<const CompiledQuery>> CompiledQuery::make(const Query& query, std::string_view text,
                                                                       const record::ComputedLabels* labels) {
  auto compiled = std::make_shared<CompiledQuery>();
  compiled->runs_ = labels;
  const RegexCompiler compiler(text, count_regexes(query));
  base::Status status;
  const auto add = [&](const auto& part) {
    if (status) status = compiled->add(part, compiler);
  };
  for (const Condition& condition : query.selector) std::visit(add, condition);
  for (const Stage& stage : query.stages) std::visit(add, stage);
  if (!status) return base::pass(status);
  std::sort(compiled->lines_.begin(), compiled->lines_.end(),
            [](const CompiledLineFilter& a, const CompiledLineFilter& b) { return a.cost() < b.cost(); });
  return compiled;
}

base::Status CompiledQuery::add(const LabelMatcher& matcher, const RegexCompiler& compiler) {
  auto condition = LabelCondition::make(matcher, compiler);
  if (!condition) return base::pass(condition);
  const auto computed = computed_label(matcher.name);
  if (!computed) {
    for (const std::string_view source : record::internal_sources) {
      if (matcher.name == "source" && !condition->negative() && condition->is(source)) asked_.push_back(source);
    }
    labels_.push_back(std::move(*condition));
    return {};
  }
  if (comes_from_runs(*computed)) return add_of_runs(matcher, std::move(*condition));
  all_records_ = false;
  switch (*computed) {
    case ComputedLabel::level:
      severities_ &= severity_mask([&](unsigned n) { return condition->matches(record::severity_name(static_cast<record::Severity>(n))); });
      break;
    case ComputedLabel::error:
      errors_match_ = errors_match_ && condition->matches("true");
      non_errors_match_ = non_errors_match_ && condition->matches("false");
      break;
    case ComputedLabel::finding:
      findings_.push_back(std::move(*condition));
      break;
    default:
      break;
  }
  return {};
}

base::Status CompiledQuery::add_of_runs(const LabelMatcher& matcher, LabelCondition condition) {
  if (runs_ == nullptr) {
    return base::fail(base::ErrorCode::query_unsupported, fmt::format("the label {} is not known here", matcher.name));
  }
  if (matcher.op == MatchOp::equal && !matcher.value.value.empty()) bounding_.push_back(matcher);
  of_runs_.push_back(std::move(condition));
  return {};
}

base::Status CompiledQuery::add(const SeverityFilter& filter, const RegexCompiler&) {
  severities_ &= severity_mask([&](unsigned severity) { return holds(filter, severity); });
  all_records_ = false;
  return {};
}

base::Status CompiledQuery::add(const LineFilter& filter, const RegexCompiler& compiler) {
  auto compiled = CompiledLineFilter::make(filter, compiler);
  if (!compiled) return base::pass(compiled);
  lines_.push_back(std::move(*compiled));
  return {};
}

bool CompiledQuery::may_match(const record::Stream& stream) const {
  if (record::is_internal(stream) && std::ranges::find(asked_, stream.labels.get("source")) == asked_.end()) return false;
  return std::all_of(labels_.begin(), labels_.end(),
                     [&stream](const LabelCondition& condition) { return condition.matches(stream.labels.get(condition.name())); });
}

std::optional<record::TimeBounds> CompiledQuery::time_bounds() const {
  record::TimeBounds all;
  for (const LabelMatcher& matcher : bounding_) {
    const auto bounds = runs_->bounds(matcher.name, matcher.value.value);
    if (!bounds) return std::nullopt;
    all = {std::max(all.from, bounds->from), std::min(all.to, bounds->to)};
  }
  if (all.from > all.to) return std::nullopt;
  return all;
}

bool CompiledQuery::matches(const record::RecordView& view) const {
  if (view.record->has(record::flag_gap)) return gap_matters(view);
  if (!conditions_hold(*view.batch, *view.record)) return false;
  const std::string_view line = view.line();
  if (!std::all_of(lines_.begin(), lines_.end(), [line](const CompiledLineFilter& filter) { return filter.matches(line); })) return false;
  if (of_runs_.empty()) return true;
  std::vector<std::uint32_t> kept{static_cast<std::uint32_t>(view.record - view.batch->records.data())};
  keep_of_runs(*view.batch, kept);
  return !kept.empty();
}

// What is missing from another time than that of the test or run that is asked for is not missing here.
bool CompiledQuery::gap_matters(const record::RecordView& view) const {
  if (bounding_.empty()) return true;
  const auto bounds = time_bounds();
  const auto gap = record::read_gap(*view.batch, *view.record);
  return bounds && gap && gap->from_time <= bounds->to && gap->to_time >= bounds->from;
}

void CompiledQuery::keep_of_runs(const record::Batch& batch, std::vector<std::uint32_t>& indices) const {
  for (const LabelCondition& condition : of_runs_) {
    if (indices.empty()) return;
    runs_->keep(
        batch, condition.name(), [&condition](std::span<const std::string_view> values) { return any_of(condition, values); }, indices);
  }
}

bool CompiledQuery::conditions_hold(const record::Batch& batch, const record::Record& record) const {
  if (all_records_) return true;
  const auto severity = std::min(static_cast<unsigned>(record.severity), severity_count - 1);
  if ((severities_ >> severity & 1u) == 0) return false;
  if (!(record.is_error() ? errors_match_ : non_errors_match_)) return false;
  return findings_.empty() || findings_hold(batch, record);
}

bool CompiledQuery::findings_hold(const record::Batch& batch, const record::Record& record) const {
  std::vector<std::string_view> rules;
  for (const record::Finding& finding : batch.findings_of(record)) {
    if (finding.rule < batch.rule_names.size()) rules.push_back(batch.rule_names[finding.rule]);
  }
  return std::all_of(findings_.begin(), findings_.end(), [&](const LabelCondition& condition) { return any_of(condition, rules); });
}

bool CompiledQuery::may_match_batch(const record::Batch& batch) const {
  return std::all_of(lines_.begin(), lines_.end(),
                     [&batch](const CompiledLineFilter& filter) { return filter.may_match_text(batch.text); });
}

void CompiledQuery::select(const record::CommittedBatch& committed, std::vector<std::uint32_t>& out) const {
  const record::Batch& batch = committed.batch;
  // A gap is a batch with one record (record/gap.h), so that all others may be passed over by their text alone.
  if (batch.records.size() == 1) {
    if (matches({&batch, batch.records.data(), committed.first_sequence})) out.push_back(0);
    return;
  }
  if (!may_match_batch(batch)) return;
  std::vector<std::uint32_t> kept;
  kept.reserve(batch.records.size());
  for (std::uint32_t i = 0; i < batch.records.size(); ++i) {
    if (conditions_hold(batch, batch.records[i])) kept.push_back(i);
  }
  for (const CompiledLineFilter& filter : lines_) {
    if (kept.empty()) return;
    filter.keep_matching(batch, kept);
  }
  keep_of_runs(batch, kept);
  out.insert(out.end(), kept.begin(), kept.end());
}

}  // namespace telltale::query
