#include "pipeline/flow/pipeline.h"

#include <algorithm>
#include <utility>

#include "pipeline/frame/line_splitter.h"
#include "pipeline/join/line_ends.h"
#include "pipeline/parse/fields.h"

namespace telltale::pipeline {

using base::MonoNanos;
using record::Batch;
using record::RawBlock;
using record::Record;
using record::TextRef;

namespace {

// A continuation that comes later than this is not of its head's time.
constexpr std::int64_t late_after_ns = base::nanos_per_second;
// So many held bytes are not looked at again for every line that comes.
constexpr std::size_t small_held_bytes = 32 * 1024;

void set_observed_times(Batch& batch, const GatheredBlock& gathered) {
  auto part = gathered.later.begin();
  if (part == gathered.later.end()) return;
  base::UnixNanos observed = gathered.block.observed_time;
  for (Record& record : batch.records) {
    for (; part != gathered.later.end() && record.line.offset >= part->begin; ++part) observed = part->observed_time;
    record.observed_time = observed;
  }
}

base::UnixNanos newest_observed(const GatheredBlock& gathered) {
  return gathered.later.empty() ? gathered.block.observed_time : gathered.later.back().observed_time;
}

std::uint64_t source_lines(const Batch& batch, std::size_t records) {
  std::uint64_t lines = 0;
  for (std::size_t i = 0; i < records; ++i) lines += batch.records[i].source_lines;
  return lines;
}

constexpr std::uint16_t time_flags = record::flag_zone_assumed | record::flag_time_out_of_range;

void take_time_and_level(Record& record, const Record& head) {
  if (!record.has_event_time()) {
    record.event_time = head.event_time;
    record.resolution = head.resolution;
    record.flags = static_cast<std::uint16_t>((record.flags & ~time_flags) | (head.flags & time_flags));
  }
  if (record.severity == record::Severity::unset) record.severity = head.severity;
}

}  // namespace

PipelineMetrics::PipelineMetrics(telemetry::Metrics& metrics)
    : batches(metrics.counter("telltale_pipeline_batches_total", "Batches that left the pipeline, also those without lines.")),
      lines(metrics.counter("telltale_pipeline_lines_total", "Source lines that were parsed.")),
      bytes(metrics.counter("telltale_pipeline_bytes_total", "Bytes of sources that were parsed.")),
      joined(metrics.counter("telltale_pipeline_records_joined_total", "Records of several lines, or that go on with another.")),
      redacted(metrics.counter("telltale_pipeline_records_redacted_total", "Records out of which something was taken.")),
      errors(metrics.counter("telltale_pipeline_errors_total", "Records that are errors by their level or by a finding.")),
      truncated(metrics.counter("telltale_pipeline_lines_truncated_total", "Lines that were cut at the limit.")),
      invalid_utf8(metrics.counter("telltale_pipeline_lines_invalid_utf8_total", "Lines with bytes that are no UTF-8.")) {}

PipelineScratch::PipelineScratch(const Stages& stages) {
  if (stages.rules != nullptr) rules_.emplace(*stages.rules);
}

Pipeline::Pipeline(const Stages& stages, PipelineScratch& scratch, PipelineMetrics& metrics)
    : stages_(stages), scratch_(scratch), metrics_(metrics), joiner_(stages.join), parser_(scratch.parser(), stages.parser) {}

void Pipeline::process(RawBlock&& block, MonoNanos now, std::vector<Batch>& out) {
  if (held_ && held_->is_repositioned_by(block)) {
    held_->block.position = std::move(block.position);
    return;
  }
  if (held_ && !held_->is_followed_by(block)) flush(out);
  Hold hold = block.more_follows ? Hold::tail : Hold::open;
  if (!held_) return run(GatheredBlock(std::move(block), now), hold, now, out);
  held_->add(std::move(block));
  const bool over = now >= *wait_ends();
  const std::size_t looked_at = held_->looked_at;
  if (!over && looked_at > small_held_bytes && held_->block.bytes.size() - looked_at < looked_at / 4) return;
  if (over) hold = Hold::nothing;
  GatheredBlock gathered = std::move(*held_);
  held_.reset();
  run(std::move(gathered), hold, now, out);
}

void Pipeline::flush(std::vector<Batch>& out) {
  if (!held_) return;
  GatheredBlock gathered = std::move(*held_);
  held_.reset();
  run(std::move(gathered), Hold::nothing, 0, out);
}

std::optional<MonoNanos> Pipeline::wait_ends() const {
  if (!held_) return std::nullopt;
  return held_->since + stages_.join_wait.count();
}

void Pipeline::run(GatheredBlock&& gathered, Hold hold, MonoNanos now, std::vector<Batch>& out) {
  RawBlock& block = gathered.block;
  const bool final = block.truncated || block.last_line_unterminated || (block.position && block.inner_positions == nullptr);
  if (final || stages_.join_wait.count() == 0) hold = Hold::nothing;
  Batch batch = LineSplitter::split(std::move(block));
  set_observed_times(batch, gathered);
  base::UnixNanos observed = newest_observed(gathered);
  const std::size_t complete = joiner_.join(batch, hold, gathered.newest_begin());
  if (complete < batch.records.size()) keep_back(batch, complete, std::move(gathered), now);
  if (!held_ || complete > 0) finish(std::move(batch), observed, out);
}

// Takes the lines behind the complete records out of the batch.
void Pipeline::keep_back(Batch& batch, std::size_t complete, GatheredBlock&& gathered, MonoNanos now) {
  const std::size_t cut = batch.records[complete].line.offset;
  const std::uint64_t lines = source_lines(batch, complete);
  RawBlock& block = gathered.block;
  RawBlock rest;
  rest.stream = batch.stream;
  rest.first_source_line = batch.first_source_line + lines;
  rest.observed_time = batch.records[complete].observed_time;
  rest.written_after = block.written_after;
  rest.raw_to = block.raw_to;
  rest.raw_from = block.raw_from + (batch.raw ? cut : 0);
  rest.position = std::move(batch.position);
  if (lines < block.line_times.size())
    rest.line_times.assign(block.line_times.begin() + static_cast<std::ptrdiff_t>(lines), block.line_times.end());
  if (cut == 0) {
    rest.bytes = std::move(batch.text);
  } else {
    rest.bytes.assign(batch.text, cut);
  }
  const std::size_t newest = gathered.newest_begin();
  held_.emplace(std::move(rest), cut == 0 ? gathered.since : now);
  held_->looked_at = held_->block.bytes.size();
  for (const GatheredBlock::Part& part : gathered.later) {
    if (part.begin > cut) held_->later.push_back({part.begin - cut, part.observed_time, part.written_after});
    if (part.begin <= cut) held_->block.written_after = part.written_after;
  }
  if (cut == 0) return;
  const std::uint64_t newest_line = gathered.later.empty() ? batch.first_source_line : gathered.newest_line;
  batch.position = std::move(gathered.older_position);
  if (held_->block.position && cut > newest) {
    const std::uint64_t inner_lines = batch.first_source_line + lines - newest_line;
    batch.position = block.inner_positions->behind(std::string_view(batch.text).substr(newest, cut - newest), inner_lines);
  }
  if (batch.raw) batch.raw->to = batch.raw->from + cut;
  batch.text.resize(cut);
  batch.records.resize(complete);
}

void Pipeline::finish(Batch&& batch, base::UnixNanos observed_time, std::vector<Batch>& out) {
  const std::size_t raw_bytes = batch.text.size();
  // Before anything is taken out, while the text is just the block's bytes.
  if (batch.raw && stages_.raw_hasher != nullptr) batch.raw->hash = (*stages_.raw_hasher)(batch.text);
  if (joiner_.has_joined()) normalise_line_ends(batch);
  parser_.parse(batch);
  if (stages_.rules != nullptr) {
    const auto reparse = [this](Batch& changed, Record& record) { parser_.parse_line(changed, record); };
    stages_.rules->apply(batch, rules_state_, *scratch_.rules(), reparse);
  }
  inherit(batch);
  remember_last(batch, observed_time);
  count(batch, raw_bytes);
  out.push_back(std::move(batch));
}

// A continuation has no head of its own: its time, level and ids are those of the record that it goes on with.
void Pipeline::inherit(Batch& batch) {
  for (const Continuation& continuation : joiner_.continuations()) {
    Record& record = batch.records[continuation.record];
    const auto take = [&](TextRef& ref, std::string_view text) {
      if (ref.empty() && !text.empty()) ref = append_text(batch, text);
    };
    if (continuation.of != Continuation::before) {
      const Record head = batch.records[continuation.of];
      take_time_and_level(record, head);
      take(record.trace_id, std::string(batch.view(head.trace_id)));
      take(record.span_id, std::string(batch.view(head.span_id)));
      take(record.test_id, std::string(batch.view(head.test_id)));
    } else if (record.observed_time - last_.observed_time <= late_after_ns) {
      take_time_and_level(record, last_.record);
      take(record.trace_id, last_.trace_id);
      take(record.span_id, last_.span_id);
      take(record.test_id, last_.test_id);
    } else if (record.source_lines == 1) {
      record.flags &= static_cast<std::uint16_t>(~record::flag_joined);
    }
  }
}

void Pipeline::remember_last(const Batch& batch, base::UnixNanos observed_time) {
  if (batch.records.empty()) return;
  const Record& record = batch.records.back();
  last_.record = record;
  last_.observed_time = observed_time;
  last_.trace_id.assign(batch.view(record.trace_id));
  last_.span_id.assign(batch.view(record.span_id));
  last_.test_id.assign(batch.view(record.test_id));
}

void Pipeline::count(const Batch& batch, std::size_t raw_bytes) {
  std::uint64_t lines = 0;
  std::uint64_t joined = 0;
  std::uint64_t redacted = 0;
  std::uint64_t errors = 0;
  std::uint64_t truncated = 0;
  std::uint64_t invalid_utf8 = 0;
  for (const Record& record : batch.records) {
    lines += record.source_lines;
    joined += record.has(record::flag_joined);
    redacted += record.has(record::flag_redacted);
    errors += record.is_error();
    truncated += record.has(record::flag_truncated);
    invalid_utf8 += record.has(record::flag_invalid_utf8);
  }
  metrics_.batches.add();
  metrics_.lines.add(lines);
  metrics_.bytes.add(raw_bytes);
  if (joined != 0) metrics_.joined.add(joined);
  if (redacted != 0) metrics_.redacted.add(redacted);
  if (errors != 0) metrics_.errors.add(errors);
  if (truncated != 0) metrics_.truncated.add(truncated);
  if (invalid_utf8 != 0) metrics_.invalid_utf8.add(invalid_utf8);
}

}  // namespace telltale::pipeline
