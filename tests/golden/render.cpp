#include "render.h"

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/flow/pipeline.h"

namespace telltale::golden {

using record::Batch;
using record::Record;

namespace {

void append_lines(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += "  | ";
    out += base::to_printable(text.substr(at, end - at));
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    at = end + 1;
  }
}

std::string headline(const Batch& batch, const Record& record) {
  std::string text = fmt::format("{} {}", record.source_lines, record.source_lines == 1 ? "line" : "lines");
  if (record.has(record::flag_joined)) text += " joined";
  text += fmt::format(" · {}", record::severity_name(record.severity));
  if (record.has_event_time()) text += fmt::format(" · {}", base::format_rfc3339(record.event_time, 6));
  const auto add = [&](std::string_view name, record::TextRef ref) {
    if (!ref.empty()) text += fmt::format(" · {}={}", name, batch.view(ref));
  };
  add("trace", record.trace_id);
  add("span", record.span_id);
  add("test", record.test_id);
  for (const record::Finding& finding : batch.findings_of(record)) {
    text += fmt::format(" · finding {} \"{}\"", batch.rule_names[finding.rule], batch.line(record).substr(finding.begin, finding.size));
  }
  if (batch.body(record) != batch.line(record)) text += fmt::format(" · body \"{}\"", base::to_printable(batch.body(record)));
  return text;
}

}  // namespace

std::vector<Batch> run_pipeline(const std::string& bytes) {
  telemetry::Metrics metrics;
  const auto rules = pipeline::make_rules({}, {}, metrics);
  pipeline::Stages stages;
  stages.rules = rules->get();
  pipeline::PipelineMetrics counters(metrics);
  pipeline::PipelineScratch scratch(stages);
  pipeline::Pipeline pipeline(stages, scratch, counters);
  record::RawBlock block;
  block.stream = record::make_stream(record::Labels({{"service", "golden"}}));
  block.bytes = bytes;
  block.raw_to = bytes.size();
  block.observed_time = 1'711'022'400 * base::nanos_per_second;  // 2024-03-21T12:00:00Z
  std::vector<Batch> batches;
  pipeline.process(std::move(block), 0, batches);
  pipeline.flush(batches);
  return batches;
}

std::string render(const std::vector<Batch>& batches) {
  std::string out;
  for (const Batch& batch : batches) {
    for (const Record& record : batch.records) {
      out += headline(batch, record);
      out += '\n';
      append_lines(out, batch.line(record));
    }
  }
  return out;
}

}  // namespace telltale::golden
