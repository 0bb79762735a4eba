// Rules: what is done to the text of every batch after it was parsed: one scan for all literals, then redaction, ids and detection.
//
// Built once at start from the configuration; immutable and thread-safe. A worker owns one RulesScratch and, for each stream, one
// RulesState. Lines without a hit cost the scan only: no allocation, no lock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "pipeline/redact/state.h"
#include "record/batch.h"
#include "telemetry/metrics.h"

namespace telltale::pipeline {

// Parses `record.line` again after it was rewritten: fills body, attributes (appended to the batch's, first_attribute and
// attribute_count set anew), severity, times and ids as if the line had been read so. It may append to the batch's text. Flags that
// tell of the line's origin (joined, truncated, unterminated) and observed_time, source_lines are kept by the caller of this.
using Reparse = std::function<void(record::Batch& batch, record::Record& record)>;

// What is carried from one batch of a stream to its next: a private key that began and has not ended. Copyable.
struct RulesState {
  RedactState redact;
};

// What counts instead of the common detection for streams with that label `service`.
using DetectionOfServices = std::map<std::string, config::DetectionConfig>;

class Rules;

// Working memory; one a thread.
class RulesScratch {
 public:
  explicit RulesScratch(const Rules& rules);
  ~RulesScratch();
  RulesScratch(RulesScratch&&) noexcept;
  RulesScratch& operator=(RulesScratch&&) noexcept;

 private:
  friend class Rules;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

class Rules {
 public:
  ~Rules();

  // Redacts, finds ids and detects in place. Batches of one stream come in order with the same `state`.
  // Before: records hold lines in ascending order of offset, parsed, without findings. After: no byte of batch.text and no attribute
  // holds what redaction took out; rewritten records have flag_redacted and their line at the end of batch.text; findings are in record
  // order; rule_names holds the names they use.
  void apply(record::Batch& batch, RulesState& state, RulesScratch& scratch, const Reparse& reparse) const;

  // For text that is no log line: label values, file names, ids, test names.
  std::string redact_text(std::string_view text, RulesScratch& scratch) const;
  // The stream itself when its labels hold no secret, else one with redacted values (and so another id).
  record::StreamRef redact_labels(const record::StreamRef& stream, RulesScratch& scratch) const;

 private:
  friend class RulesScratch;
  friend base::Result<std::unique_ptr<const Rules>> make_rules(const config::RedactionConfig&, const config::DetectionConfig&,
                                                               telemetry::Metrics&, const DetectionOfServices&);
  struct Parts;
  explicit Rules(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

// `metrics` must outlive the rules. Fails with rule_invalid, naming the rule, its pattern and the reason. A rule of the user's that has
// no literal to look for is run on every line; the program's log warns of it.
base::Result<std::unique_ptr<const Rules>> make_rules(const config::RedactionConfig& redaction, const config::DetectionConfig& detection,
                                                      telemetry::Metrics& metrics, const DetectionOfServices& services = {});

}  // namespace telltale::pipeline
