#include "pipeline/flow/pipeline.h"

#include <utility>

#include "pipeline/frame/line_splitter.h"

namespace telltale::pipeline {

using record::Batch;
using record::RawBlock;
using record::Record;

PipelineMetrics::PipelineMetrics(telemetry::Metrics& metrics)
    : batches(metrics.counter("telltale_pipeline_batches_total", "Batches that left the pipeline, also those without lines.")),
      lines(metrics.counter("telltale_pipeline_lines_total", "Source lines that were parsed.")),
      bytes(metrics.counter("telltale_pipeline_bytes_total", "Bytes of sources that were parsed.")),
      redacted(metrics.counter("telltale_pipeline_records_redacted_total", "Records out of which something was taken.")),
      errors(metrics.counter("telltale_pipeline_errors_total", "Records that are errors by their level or by a finding.")),
      truncated(metrics.counter("telltale_pipeline_lines_truncated_total", "Lines that were cut at the limit.")),
      invalid_utf8(metrics.counter("telltale_pipeline_lines_invalid_utf8_total", "Lines with bytes that are no UTF-8.")) {}

PipelineScratch::PipelineScratch(const Stages& stages) {
  if (stages.rules != nullptr) rules_.emplace(*stages.rules);
}

Pipeline::Pipeline(const Stages& stages, PipelineScratch& scratch, PipelineMetrics& metrics)
    : stages_(stages), scratch_(scratch), metrics_(metrics), parser_(scratch.parser(), stages.parser) {}

Batch Pipeline::process(RawBlock&& block) {
  const std::size_t raw_bytes = block.bytes.size();
  Batch batch = LineSplitter::split(std::move(block));
  // Before anything is taken out, while the text is just the block's bytes.
  if (batch.raw && stages_.raw_hasher != nullptr) batch.raw->hash = (*stages_.raw_hasher)(batch.text);
  parser_.parse(batch);
  if (stages_.rules != nullptr) {
    const auto reparse = [this](Batch& changed, Record& record) { parser_.parse_line(changed, record); };
    stages_.rules->apply(batch, rules_state_, *scratch_.rules(), reparse);
  }
  count(batch, raw_bytes);
  return batch;
}

void Pipeline::count(const Batch& batch, std::size_t raw_bytes) {
  std::uint64_t lines = 0;
  std::uint64_t redacted = 0;
  std::uint64_t errors = 0;
  std::uint64_t truncated = 0;
  std::uint64_t invalid_utf8 = 0;
  for (const Record& record : batch.records) {
    lines += record.source_lines;
    redacted += record.has(record::flag_redacted);
    errors += record.is_error();
    truncated += record.has(record::flag_truncated);
    invalid_utf8 += record.has(record::flag_invalid_utf8);
  }
  metrics_.batches.add();
  metrics_.lines.add(lines);
  metrics_.bytes.add(raw_bytes);
  if (redacted != 0) metrics_.redacted.add(redacted);
  if (errors != 0) metrics_.errors.add(errors);
  if (truncated != 0) metrics_.truncated.add(truncated);
  if (invalid_utf8 != 0) metrics_.invalid_utf8.add(invalid_utf8);
}

}  // namespace telltale::pipeline
