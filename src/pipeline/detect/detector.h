// Detector: marks in a record what makes it an error.
//
// In this order: an explicit severity of 17 or more; the head of an exception or traceback; the words of configuration, in any case,
// also inside longer words, unless what stands around one says that there is no error (a count of zero, a setting: negative.h). At most
// one finding a rule and record; a joined record (flag_joined) has one in all. Works from the scanner's hits alone: a line without a hit
// and with a low severity costs nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "pipeline/scan/scanner.h"
#include "record/batch.h"

namespace telltale::pipeline {

// Working memory; one a thread. Belongs to one batch at a time.
struct DetectScratch {
  std::vector<std::uint16_t> batch_names;  // rule -> its index in the batch's rule_names + 1; 0: not there yet
};

// Names of the built-in rules, for the reference page.
std::vector<std::string_view> builtin_detection_rules();

class Detector {
 public:
  static constexpr std::size_t most_findings = 16;  // of one record

  // Registers its literals with `builder`.
  static base::Result<Detector> make(const config::DetectionConfig& config, ScannerBuilder& builder);

  bool wants(LiteralId literal) const { return literal < triggers_.size() && !triggers_[literal].empty(); }

  void begin_batch(DetectScratch& scratch) const { scratch.batch_names.assign(rules_.size(), 0); }
  // Appends the record's findings to the batch's and sets the record's span of them. `hits` are those of the record's line, in order;
  // their ends count from `base` bytes before the line.
  void detect(record::Batch& batch, record::Record& record, std::span<const Hit> hits, std::uint32_t base, DetectScratch& scratch) const;

 private:
  enum class Trigger : std::uint8_t { head, word, ignore };
  struct Rule {
    std::string name;
    std::string text;  // what must stand in the line, in lower case
    Trigger trigger = Trigger::word;
    std::string_view also;  // what must stand somewhere after it
  };
  using RuleNumber = std::uint16_t;

  void add_rule(Rule rule, std::string_view literal, bool any_case, ScannerBuilder& builder);
  bool is_ignored(std::span<const Hit> hits) const;
  void add(record::Batch& batch, record::Record& record, RuleNumber rule, record::FindingKind kind, std::size_t begin, std::size_t end,
           DetectScratch& scratch) const;
  static void keep_most_telling(record::Batch& batch, record::Record& record);
  void add_severity(record::Batch& batch, record::Record& record, DetectScratch& scratch) const;

  std::vector<Rule> rules_;                        // rules_[0] is "severity"
  std::vector<std::vector<RuleNumber>> triggers_;  // a literal's
};

}  // namespace telltale::pipeline
