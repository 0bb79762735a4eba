// One batch on its way through the rules.
#pragma once

#include <span>

#include "pipeline/rules/parts.h"
#include "pipeline/rules/rules.h"
#include "record/batch.h"

namespace telltale::pipeline {

class BatchRules {
 public:
  BatchRules(const Redactor& redactor, const IdFinder& ids, const Detector& detector, const Scanner& scanner,
             std::span<const std::uint8_t> redacts, record::Batch& batch, RulesState& state, const Reparse& reparse)
      : redactor_(redactor),
        ids_(ids),
        detector_(detector),
        scanner_(scanner),
        redacts_(redacts),
        batch_(batch),
        state_(state),
        reparse_(reparse) {}

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
  void find_escaped_records(Work& work) const;
  bool holds_secret(record::TextRef ref, Work& work) const;
  void apply_to(std::size_t index, Hits hits, bool has_number, Work& work);
  bool redact(std::size_t index, Hits hits, bool force_escapes, RedactScratch& scratch);
  void decode_test_id(record::Record& record, RedactScratch& scratch);
  void wipe(record::TextRef ref);
  void wipe_record(record::Record& record);
  void wipe_tail_of(std::size_t index);
  // The part of the tail that the record's views lie in; empty without such views.
  record::TextRef tail_of(const record::Record& record) const;

  const Redactor& redactor_;
  const IdFinder& ids_;
  const Detector& detector_;
  const Scanner& scanner_;
  std::span<const std::uint8_t> redacts_;
  record::Batch& batch_;
  RulesState& state_;
  const Reparse& reparse_;
  // Behind the lines stands the tail: what parsing unescaped, in the records' order.
  std::uint32_t tail_begin_ = 0;
  std::uint32_t tail_end_ = 0;
  std::size_t next_record_ = 0;     // records before it are redacted already or keep ...
  std::size_t next_with_tail_ = 0;  // the first record behind the one redacted last that has a part of the tail
  std::uint32_t tail_kept_to_ = 0;  // ... their part of the tail, which ends here
};

}  // namespace telltale::pipeline
