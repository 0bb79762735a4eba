// One stream's way through the stages: frame -> join -> parse -> redact -> ids -> detect.
//
// Ids (trace, span, test) are fields that parsing recognises by name, and what the ids stage finds in a line's text; a record that
// redaction changed is parsed again, so ids never hold what redaction took out.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "pipeline/flow/held_lines.h"
#include "pipeline/join/joiner.h"
#include "pipeline/parse/parser.h"
#include "pipeline/rules/rules.h"
#include "record/batch.h"
#include "record/raw_block.h"
#include "telemetry/metrics.h"

namespace telltale::pipeline {

// What all streams and threads share; immutable. Each part outlives the pipelines.
struct Stages {
  const Rules* rules = nullptr;                   // redaction, ids and detection; null: none is done
  const base::KeyedHasher* raw_hasher = nullptr;  // null: the raw ranges of batches have no hash
  ParserOptions parser = {};
  JoinOptions join = {};
  std::chrono::nanoseconds join_wait = std::chrono::milliseconds(250);  // longest time for which lines are kept back; 0: never
};

// telltale_pipeline_*; the references live in the Metrics.
struct PipelineMetrics {
  explicit PipelineMetrics(telemetry::Metrics& metrics);
  telemetry::Counter& batches;
  telemetry::Counter& lines;
  telemetry::Counter& bytes;
  telemetry::Counter& joined;
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

// One stream's state: what its parser remembers, lines that wait for those that follow, and a secret that began in an earlier block.
// Blocks come in the stream's order, on the scratch's thread. Synchronous, no I/O, never fails.
class Pipeline {
 public:
  // All outlive it.
  Pipeline(const Stages& stages, PipelineScratch& scratch, PipelineMetrics& metrics);

  // Appends what is complete; nothing when all of the block waits. A block without lines gives a batch without records, so that its
  // position is committed. A batch's position is never behind lines that wait.
  void process(record::RawBlock&& block, base::MonoNanos now, std::vector<record::Batch>& out);
  // Lines that wait go on as they are.
  void flush(std::vector<record::Batch>& out);
  // When flush() is due; nothing when no lines wait.
  std::optional<base::MonoNanos> wait_ends() const;

 private:
  // What a continuation takes from the last record of the batches before.
  struct LastRecord {
    record::Record record;
    base::UnixNanos observed_time = 0;  // of its newest line
    std::string trace_id, span_id, test_id;
  };

  void run(GatheredBlock&& gathered, Hold hold, base::MonoNanos now, std::vector<record::Batch>& out);
  void keep_back(record::Batch& batch, std::size_t complete, GatheredBlock&& gathered, base::MonoNanos now);
  void finish(record::Batch&& batch, base::UnixNanos observed_time, std::vector<record::Batch>& out);
  void inherit(record::Batch& batch);
  void remember_last(const record::Batch& batch, base::UnixNanos observed_time);
  void count(const record::Batch& batch, std::size_t raw_bytes);

  const Stages& stages_;
  PipelineScratch& scratch_;
  PipelineMetrics& metrics_;
  Joiner joiner_;
  Parser parser_;
  RulesState rules_state_;
  std::optional<GatheredBlock> held_;
  LastRecord last_;
};

}  // namespace telltale::pipeline
