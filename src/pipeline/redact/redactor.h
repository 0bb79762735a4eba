// Redactor: takes the secrets out of one line of text.
//
// Immutable and thread-safe; what it writes to lives in a RedactScratch, one a thread. It is asked only about lines in which the scanner
// found one of its literals (or that hold a card number or an IBAN, or that follow the beginning of a private key), and confirms each
// literal where it stands: with an RE2 pattern anchored there, by the field's name, or by check digits. All in time linear in the line.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "pipeline/redact/field_names.h"
#include "pipeline/redact/plain_view.h"
#include "pipeline/redact/rule.h"
#include "pipeline/redact/state.h"
#include "pipeline/scan/digit_runs.h"
#include "pipeline/scan/scanner.h"
#include "telemetry/metrics.h"

namespace re2 {
class RE2;
}

namespace telltale::pipeline {

struct RedactScratch {
  explicit RedactScratch(const Scanner& scanner) : scan(scanner) {}

  ScanScratch scan;
  std::string line;       // the rewritten line
  std::vector<Hit> hits;  // of the rewritten line, counted from its beginning

  // What one look at a line fills.
  std::vector<SecretSpan> spans;
  std::vector<NumberHit> numbers;
  struct RuleProgress {
    std::uint32_t taken_until = 0;  // keywords before it are part of what was found already
    std::uint32_t attempts = 0;
  };
  std::vector<RuleProgress> progress;  // a rule's
  std::vector<RuleIndex> touched;      // rules whose progress is not zero
  PlainView plain;
  std::vector<Hit> plain_hits;
  std::string next;
  bool has_escapes = false;  // the line holds \u00.., so its strings are looked at unescaped too
};

class Redactor {
 public:
  // Registers its literals with `builder`, whose scanner all later calls are given. `metrics` outlives the redactor.
  static base::Result<Redactor> make(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics);
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;
  ~Redactor();

  bool enabled() const { return !rules_.empty(); }
  // Whether a line with this literal must be given to redact().
  bool wants(LiteralId literal) const { return literal < triggers_.size() && (!triggers_[literal].empty() || literal == escape_literal_); }
  // A rule without a literal must see every line.
  bool wants_every_line() const { return !unfiltered_.empty(); }
  bool wants_numbers() const { return card_rule_ != no_rule || iban_rule_ != no_rule; }

  // `hits` are those of this line, in order; their ends count from `base` bytes before the line. False: there is nothing to take out.
  // True: scratch.line is the line to keep and scratch.hits are its hits. `force_escapes`: look at JSON strings unescaped although
  // nothing in the line asks for it.
  bool redact(std::string_view line, std::span<const Hit> hits, std::uint32_t base, const Scanner& scanner, RedactState& state,
              RedactScratch& scratch, bool force_escapes = false) const;

  // Whether `text` (with its hits, as above) holds a secret.
  bool has_secret(std::string_view text, std::span<const Hit> hits, std::uint32_t base, const Scanner& scanner,
                  RedactScratch& scratch) const;

  std::string_view rule_name(RuleIndex rule) const { return rules_[rule].name; }
  std::size_t rule_count() const { return rules_.size(); }

 private:
  static constexpr RuleIndex no_rule = 0xffff;
  static constexpr LiteralId no_literal = 0xffffffff;

  struct Rule {
    std::string name;
    RuleSpec spec;  // of a user's rule and of a field group only `confirm` is set
    std::unique_ptr<re2::RE2> pattern;
    telemetry::Counter* taken = nullptr;
  };

  Redactor();
  base::Status add_builtin(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics);
  void add_fields(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics);
  base::Status add_user_rule(const config::PatternRule& wanted, ScannerBuilder& builder, telemetry::Metrics& metrics);
  RuleIndex add_rule(std::string name, RuleSpec spec, std::unique_ptr<re2::RE2> pattern, telemetry::Metrics& metrics);
  void trigger(LiteralId literal, RuleIndex rule);
  void trigger(ScannerBuilder& builder, std::string_view keyword, bool any_case, RuleIndex rule);

  using Hits = std::span<const Hit>;
  void find(std::string_view line, Hits hits, std::uint32_t base, const Scanner& scanner, RedactState& state, RedactScratch& scratch) const;
  void find_again(const Scanner& scanner, RedactScratch& scratch) const;
  void find_plain(std::string_view line, Hits hits, std::uint32_t base, const Scanner& scanner, RedactState& state,
                  RedactScratch& scratch) const;
  void find_at(std::string_view line, RuleIndex rule, std::size_t hit_begin, std::size_t hit_end, RedactState& state,
               RedactScratch& scratch) const;
  void match_at_keyword(std::string_view line, RuleIndex rule, std::size_t hit_begin, std::size_t hit_end, RedactScratch& scratch) const;
  void search(std::string_view line, RuleIndex rule, std::size_t from, RedactScratch& scratch) const;
  void find_numbers_in(std::string_view line, RedactScratch& scratch) const;
  void find_escaped(std::string_view line, const Scanner& scanner, RedactScratch& scratch) const;
  void add_named_value(std::string_view line, std::size_t key_end, std::string_view name, RedactScratch& scratch) const;
  void rewrite(std::string_view line, RedactScratch& scratch) const;

  std::vector<Rule> rules_;
  std::vector<std::vector<RuleIndex>> triggers_;  // a literal's
  std::vector<RuleIndex> unfiltered_;
  FieldNames fields_;
  RuleIndex card_rule_ = no_rule;
  RuleIndex iban_rule_ = no_rule;
  RuleIndex key_rule_ = no_rule;
  LiteralId escape_literal_ = no_literal;
};

}  // namespace telltale::pipeline
