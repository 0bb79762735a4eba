// Building a Redactor from the tables and the configuration.
#include <re2/re2.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "pipeline/redact/keywords.h"
#include "pipeline/redact/redactor.h"
#include "telemetry/log.h"

namespace telltale::pipeline {
namespace {

using base::ErrorCode;
using base::fail;
using base::Status;

constexpr std::int64_t pattern_memory = 16ll * 1024 * 1024;  // of one rule's automaton; RE2 falls back to slower ways beyond it

bool is_disabled(const config::RedactionConfig& config, std::string_view name) {
  return std::ranges::find(config.disable, name) != config.disable.end();
}

RE2::Options builtin_options() {
  RE2::Options options(RE2::Latin1);  // patterns are about bytes: lines need not be UTF-8
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory);
  return options;
}

std::vector<std::string_view> builtin_names() {
  std::vector<std::string_view> names;
  for (const RuleSpec& spec : builtin_rules()) names.push_back(spec.name);
  for (const FieldGroup& group : builtin_field_groups()) names.push_back(group.name);
  return names;
}

Status check_disabled(const config::RedactionConfig& config) {
  const std::vector<std::string_view> names = builtin_names();
  for (const std::string& wanted : config.disable) {
    if (std::ranges::find(names, wanted) != names.end()) continue;
    const auto nearest = std::ranges::min_element(names, {}, [&](std::string_view name) { return base::edit_distance(name, wanted); });
    return fail(ErrorCode::rule_invalid, fmt::format("redaction.disable names '{}', and there is no such built-in rule", wanted),
                fmt::format("Did you mean '{}'? docs/reference/redaction.md lists the rules.", *nearest));
  }
  return {};
}

Status check_name(const std::string& name) {
  if (is_rule_name(name)) return {};
  return fail(ErrorCode::rule_invalid, fmt::format("redaction.add: '{}' is no usable name for a rule", base::to_printable(name)),
              "Use 1 to 64 letters, digits, '-' and '_'.");
}

}  // namespace

Redactor::Redactor() = default;
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;
Redactor::~Redactor() = default;

base::Result<Redactor> Redactor::make(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics) {
  Redactor redactor;
  if (auto checked = check_disabled(config); !checked) return base::pass(checked);
  if (!config.enabled) return redactor;
  if (auto added = redactor.add_builtin(config, builder, metrics); !added) return base::pass(added);
  redactor.add_fields(config, builder, metrics);
  for (const config::PatternRule& wanted : config.add) {
    if (auto added = redactor.add_user_rule(wanted, builder, metrics); !added) return base::pass(added);
  }
  redactor.escape_literal_ = builder.add("\\u00", false);
  if (redactor.escape_literal_ >= redactor.triggers_.size()) redactor.triggers_.resize(redactor.escape_literal_ + std::size_t{1});
  return redactor;
}

Status Redactor::add_builtin(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics) {
  for (const RuleSpec& spec : builtin_rules()) {
    if (is_disabled(config, spec.name)) continue;
    std::unique_ptr<RE2> pattern;
    if (!spec.pattern.empty()) {
      pattern = std::make_unique<RE2>(spec.pattern, builtin_options());
      TT_ASSERT(pattern->ok(), pattern->error());
    }
    const RuleIndex rule = add_rule(std::string(spec.name), spec, std::move(pattern), metrics);
    for (const std::string_view keyword : spec.keywords) trigger(builder, keyword, spec.any_case, rule);
    if (spec.name == "credit-card") card_rule_ = rule;
    if (spec.name == "iban") iban_rule_ = rule;
    if (spec.confirm == Confirm::private_key) key_rule_ = rule;
  }
  return {};
}

void Redactor::add_fields(const config::RedactionConfig& config, ScannerBuilder& builder, telemetry::Metrics& metrics) {
  RuleSpec spec;
  spec.confirm = Confirm::field_name;
  for (const FieldGroup& group : builtin_field_groups()) {
    if (is_disabled(config, group.name)) continue;
    const RuleIndex rule = add_rule(std::string(group.name), spec, nullptr, metrics);
    fields_.add(group, rule);
    for (const std::string_view keyword : group.keywords) trigger(builder, keyword, true, rule);
  }
  if (config.field_names.empty()) return;
  const RuleIndex rule = add_rule("field", spec, nullptr, metrics);
  for (const std::string& name : config.field_names) {
    if (name.empty()) continue;
    fields_.add_name(name, rule);
    trigger(builder, name, true, rule);
  }
}

Status Redactor::add_user_rule(const config::PatternRule& wanted, ScannerBuilder& builder, telemetry::Metrics& metrics) {
  if (auto named = check_name(wanted.name); !named) return named;
  if (std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.name == wanted.name; })) {
    return fail(ErrorCode::rule_invalid, fmt::format("redaction.add: there is already a rule '{}'", wanted.name),
                "Choose another name, or disable the built-in rule with redaction.disable.");
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(pattern_memory);
  auto pattern = std::make_unique<RE2>(wanted.pattern, options);
  if (!pattern->ok() || wanted.pattern.empty()) {
    return fail(ErrorCode::rule_invalid,
                fmt::format("redaction.add: rule '{}' has the pattern '{}', which is not valid: {}", wanted.name, wanted.pattern,
                            wanted.pattern.empty() ? "it is empty" : pattern->error()),
                "Mend the pattern; patterns are RE2's (no look-around, no back-references).");
  }
  std::vector<std::string> keywords = wanted.keywords;
  std::erase(keywords, std::string());
  if (keywords.empty()) {
    auto found = required_literals(wanted.pattern);
    if (!found) return base::pass(found);
    keywords = std::move(*found);
  }
  RuleSpec spec;
  spec.confirm = Confirm::whole_line;
  const RuleIndex rule = add_rule(wanted.name, spec, std::move(pattern), metrics);
  for (const std::string& keyword : keywords) trigger(builder, keyword, true, rule);
  if (keywords.empty()) {
    unfiltered_.push_back(rule);
    telemetry::log(telemetry::LogLevel::warning, "redact",
                   "rule '{}' has no literal of three characters or more, so it is tried on every line, which is slow; "
                   "give it keywords that stand in each match",
                   wanted.name);
  }
  return {};
}

RuleIndex Redactor::add_rule(std::string name, RuleSpec spec, std::unique_ptr<RE2> pattern, telemetry::Metrics& metrics) {
  telemetry::Counter& taken =
      metrics.counter("telltale_redaction_replacements_total", "Secrets taken out of lines and labels.", {{"rule", name}});
  rules_.push_back({std::move(name), std::move(spec), std::move(pattern), &taken});
  return static_cast<RuleIndex>(rules_.size() - 1);
}

void Redactor::trigger(LiteralId literal, RuleIndex rule) {
  if (literal >= triggers_.size()) triggers_.resize(literal + std::size_t{1});
  if (std::ranges::find(triggers_[literal], rule) == triggers_[literal].end()) triggers_[literal].push_back(rule);
}

void Redactor::trigger(ScannerBuilder& builder, std::string_view keyword, bool any_case, RuleIndex rule) {
  trigger(builder.add(keyword, any_case), rule);
}

}  // namespace telltale::pipeline
