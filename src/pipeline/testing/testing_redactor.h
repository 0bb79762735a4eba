// A redactor with its scanner, for tests: one text in, one text out.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "pipeline/redact/redactor.h"

namespace telltale::pipeline {

class TestingRedactor {
 public:
  explicit TestingRedactor(const config::RedactionConfig& config = {}) {
    ScannerBuilder builder;
    auto redactor = Redactor::make(config, builder, metrics_);
    TT_ASSERT(redactor.has_value(), redactor.has_value() ? "" : redactor.error().cause);
    redactor_ = std::make_unique<Redactor>(std::move(*redactor));
    auto scanner = builder.build();
    TT_ASSERT(scanner.has_value(), "the built-in literals compile");
    scanner_ = std::make_unique<Scanner>(std::move(*scanner));
    scratch_ = std::make_unique<RedactScratch>(*scanner_);
  }

  std::string operator()(std::string_view text) {
    RedactState state;
    return next_line(text, state);
  }

  std::string next_line(std::string_view text, RedactState& state) {
    std::vector<Hit> hits;
    scanner_->scan(text, scratch_->scan, hits);
    return redactor_->redact(text, hits, 0, *scanner_, state, *scratch_) ? scratch_->line : std::string(text);
  }

  telemetry::Metrics& metrics() { return metrics_; }

 private:
  telemetry::Metrics metrics_;
  std::unique_ptr<Redactor> redactor_;
  std::unique_ptr<Scanner> scanner_;
  std::unique_ptr<RedactScratch> scratch_;
};

}  // namespace telltale::pipeline
