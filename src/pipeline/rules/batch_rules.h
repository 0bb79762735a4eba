// One batch on its way through the rules.
#pragma once

#include <span>

#include "pipeline/rules/parts.h"
#include "pipeline/rules/rules.h"
#include "record/batch.h"

namespace telltale::pipeline {

class BatchRules {
 public:
  BatchRules(const Redactor& redactor, const Detector& detector, const Scanner& scanner, std::span<const std::uint8_t> redacts,
             record::Batch& batch, RulesState& state, const Reparse& reparse)
      : redactor_(redactor), detector_(detector), scanner_(scanner), redacts_(redacts), batch_(batch), state_(state), reparse_(reparse) {}

  // The scratch's parts, one by one: RulesScratch keeps its own type of them to itself.
  struct Work {
    RedactScratch& redact;
    DetectScratch& detect;
    std::vector<Hit>& hits;
    std::vector<NumberHit>& numbers;
    std::vector<std::uint8_t>& escaped;
  };
  void apply(Work work);

 private:
  using Hits = std::span<const Hit>;
  bool wants_redaction(Hits hits) const;
  void find_escaped_records(Work& work, std::uint32_t lines_end) const;
  bool holds_secret(record::TextRef ref, Work& work) const;
  void apply_to(record::Record& record, Hits hits, bool has_number, bool is_escaped, Work& work);
  bool redact(record::Record& record, Hits hits, bool force_escapes, RedactScratch& scratch);
  void wipe(record::TextRef ref);
  void wipe_record(record::Record& record);

  const Redactor& redactor_;
  const Detector& detector_;
  const Scanner& scanner_;
  std::span<const std::uint8_t> redacts_;
  record::Batch& batch_;
  RulesState& state_;
  const Reparse& reparse_;
};

}  // namespace telltale::pipeline
