#include "pipeline/rules/rules.h"

#include "pipeline/rules/batch_rules.h"
#include "pipeline/rules/parts.h"

namespace telltale::pipeline {

Rules::Parts::Parts(Redactor the_redactor, IdFinder the_ids, Detectors the_detectors, Scanner the_scanner)
    : redactor(std::move(the_redactor)), ids(std::move(the_ids)), detectors(std::move(the_detectors)), scanner(std::move(the_scanner)) {
  for (LiteralId id = 0; id < scanner.literal_count(); ++id) redacts.push_back(redactor.wants(id) ? 1 : 0);
}

const Detector& Detectors::of(const record::StreamRef& stream) const {
  if (of_service.empty() || stream == nullptr) return common;
  const auto found = of_service.find(stream->labels.get("service"));
  return found == of_service.end() ? common : found->second;
}

RulesScratch::RulesScratch(const Rules& rules) : parts_(std::make_unique<Parts>(rules.parts_->scanner)) {}
RulesScratch::~RulesScratch() = default;
RulesScratch::RulesScratch(RulesScratch&&) noexcept = default;
RulesScratch& RulesScratch::operator=(RulesScratch&&) noexcept = default;

Rules::Rules(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Rules::~Rules() = default;

void Rules::apply(record::Batch& batch, RulesState& state, RulesScratch& scratch, const Reparse& reparse) const {
  RulesScratch::Parts& work = *scratch.parts_;
  BatchRules(parts_->redactor, parts_->ids, parts_->detectors.of(batch.stream), parts_->scanner, parts_->redacts, batch, state, reparse)
      .apply({work.redact, work.detect, work.hits, work.numbers, work.escaped});
}

std::string Rules::redact_text(std::string_view text, RulesScratch& scratch) const {
  if (!parts_->redactor.enabled()) return std::string(text);
  RulesScratch::Parts& work = *scratch.parts_;
  work.hits.clear();
  parts_->scanner.scan(text, work.redact.scan, work.hits);
  RedactState none;
  if (!parts_->redactor.redact(text, work.hits, 0, parts_->scanner, none, work.redact)) return std::string(text);
  return work.redact.line;
}

record::StreamRef Rules::redact_labels(const record::StreamRef& stream, RulesScratch& scratch) const {
  std::vector<std::pair<std::string, std::string>> pairs = stream->labels.pairs();
  bool changed = false;
  for (auto& [name, value] : pairs) {
    std::string redacted = redact_text(value, scratch);
    changed = changed || redacted != value;
    value = std::move(redacted);
  }
  return changed ? record::make_stream(record::Labels(std::move(pairs))) : stream;
}

base::Result<std::unique_ptr<const Rules>> make_rules(const config::RedactionConfig& redaction, const config::DetectionConfig& detection,
                                                      telemetry::Metrics& metrics, const DetectionOfServices& services) {
  ScannerBuilder builder;
  auto redactor = Redactor::make(redaction, builder, metrics);
  if (!redactor) return base::pass(redactor);
  IdFinder ids(builder);
  auto detector = Detector::make(detection, builder);
  if (!detector) return base::pass(detector);
  Detectors detectors{std::move(*detector), {}};
  for (const auto& [service, own] : services) {
    auto made = Detector::make(own, builder);
    if (!made) return base::pass(made);
    detectors.of_service.emplace(service, std::move(*made));
  }
  auto scanner = builder.build();
  if (!scanner) return base::pass(scanner);
  auto parts = std::make_unique<const Rules::Parts>(std::move(*redactor), std::move(ids), std::move(detectors), std::move(*scanner));
  return std::unique_ptr<const Rules>(new Rules(std::move(parts)));
}

}  // namespace telltale::pipeline
