// A query made ready to run.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/lang/ast.h"
#include "query/plan/label_condition.h"
#include "query/plan/line_filter.h"
#include "record/ports.h"

namespace telltale::query {

// Immutable, thread-safe. Gap records of a stream that may match always match (where one test or run is asked for: those of its
// time): they say what the other answers lack. Streams of the
// engine's own events of runs and tests match only where the query asks for their source by name.
class CompiledQuery final : public record::RecordPredicate {
 public:
  // `text` is what `query` was parsed from: errors (query_regex) point into it. `labels` outlives the query; null: a query for a label of
  // runs is query_unsupported.
  static base::Result<std::shared_ptr<const CompiledQuery>> make(const Query& query, std::string_view text,
                                                                 const record::ComputedLabels* labels);

  bool may_match(const record::Stream& stream) const override;
  std::optional<record::TimeBounds> time_bounds() const override;
  bool matches(const record::RecordView& view) const override;
  void select(const record::CommittedBatch& batch, std::vector<std::uint32_t>& out) const override;

  // False: no record of the batch can match; one search through its text per value that every match must hold.
  bool may_match_batch(const record::Batch& batch) const;

 private:
  base::Status add(const LabelMatcher& matcher, const RegexCompiler& compiler);
  base::Status add(const SeverityFilter& filter, const RegexCompiler& compiler);
  base::Status add(const LineFilter& filter, const RegexCompiler& compiler);
  base::Status add_of_runs(const LabelMatcher& matcher, LabelCondition condition);
  bool gap_matters(const record::RecordView& view) const;
  void keep_of_runs(const record::Batch& batch, std::vector<std::uint32_t>& indices) const;
  bool conditions_hold(const record::Batch& batch, const record::Record& record) const;
  bool findings_hold(const record::Batch& batch, const record::Record& record) const;

  std::vector<LabelCondition> labels_;     // of the stream
  std::vector<LabelCondition> findings_;   // names of the record's rules
  std::vector<CompiledLineFilter> lines_;  // cheapest first
  const record::ComputedLabels* runs_ = nullptr;
  std::vector<LabelCondition> of_runs_;  // values that runs_ knows; asked last
  std::vector<LabelMatcher> bounding_;   // those of them that name one value
  std::vector<std::string_view> asked_;  // internal sources that are asked for by name
  // Bit n: records of severity n may match. Severity filters and the label level come to this.
  std::uint32_t severities_ = (1u << 25u) - 1;
  bool errors_match_ = true;      // records for which the label error is "true"
  bool non_errors_match_ = true;  // and "false"
  bool all_records_ = true;       // no condition on single records
};

}  // namespace telltale::query
