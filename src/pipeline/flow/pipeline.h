// One stream's way through the stages: frame -> parse -> redact -> ids -> detect.
//
// Joining several lines into one record belongs between frame and parse. Ids (trace, span, test) are fields that parsing recognises by
// name; a record that redaction changed is parsed again, so ids never hold what redaction took out.
#pragma once

#include "base/hash.h"
#include "pipeline/parse/parser.h"
#include "pipeline/rules/rules.h"
#include "record/batch.h"
#include "record/raw_block.h"
#include "telemetry/metrics.h"

namespace telltale::pipeline {

// What all streams and threads share; immutable. Each part outlives the pipelines.
struct Stages {
  const Rules* rules = nullptr;                   // redaction and detection; null: neither is done
  const base::KeyedHasher* raw_hasher = nullptr;  // null: the raw ranges of batches have no hash
  ParserOptions parser;
};

// telltale_pipeline_*; the references live in the Metrics.
struct PipelineMetrics {
  explicit PipelineMetrics(telemetry::Metrics& metrics);
  telemetry::Counter& batches;
  telemetry::Counter& lines;
  telemetry::Counter& bytes;
  telemetry::Counter& redacted;
  telemetry::Counter& errors;
  telemetry::Counter& truncated;
  telemetry::Counter& invalid_utf8;
};

// Buffers of one thread, for all its pipelines.
class PipelineScratch {
 public:
  explicit PipelineScratch(const Stages& stages);
  ParserScratch& parser() { return parser_; }
  RulesScratch* rules() { return rules_ ? &*rules_ : nullptr; }

 private:
  ParserScratch parser_;
  std::optional<RulesScratch> rules_;
};

// One stream's state: what its parser remembers and a secret that began in an earlier block. Blocks come in the stream's order, on the
// scratch's thread. Synchronous, no I/O, never fails.
class Pipeline {
 public:
  // All outlive it.
  Pipeline(const Stages& stages, PipelineScratch& scratch, PipelineMetrics& metrics);

  // A block without lines gives a batch without records, so that its position is committed.
  record::Batch process(record::RawBlock&& block);

 private:
  void count(const record::Batch& batch, std::size_t raw_bytes);

  const Stages& stages_;
  PipelineScratch& scratch_;
  PipelineMetrics& metrics_;
  Parser parser_;
  RulesState rules_state_;
};

}  // namespace telltale::pipeline
