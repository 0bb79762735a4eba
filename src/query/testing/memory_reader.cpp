#include "query/testing/memory_reader.h"

#include <algorithm>
#include <charconv>
#include <ranges>
#include <utility>

namespace telltale::query::testing {

using store::ScanStep;

BatchBuilder::BatchBuilder(record::Labels labels) : BatchBuilder(record::make_stream(std::move(labels))) {}

BatchBuilder::BatchBuilder(record::StreamRef stream) {
  batch_.stream = std::move(stream);
}

BatchBuilder& BatchBuilder::line(base::UnixNanos time, record::Severity severity, std::string_view text) {
  record::Record record;
  record.observed_time = time;
  record.line = {static_cast<std::uint32_t>(batch_.text.size()), static_cast<std::uint32_t>(text.size())};
  record.body = record.line;
  record.severity = severity;
  record.first_finding = static_cast<std::uint32_t>(batch_.findings.size());
  batch_.text += text;
  batch_.records.push_back(record);
  return *this;
}

BatchBuilder& BatchBuilder::finding(std::string_view rule) {
  const auto found = std::ranges::find(batch_.rule_names, rule);
  const auto index = static_cast<std::uint16_t>(found - batch_.rule_names.begin());
  if (found == batch_.rule_names.end()) batch_.rule_names.emplace_back(rule);
  batch_.findings.push_back({0, 1, index, record::FindingKind::word});
  ++batch_.records.back().finding_count;
  return *this;
}

BatchBuilder& BatchBuilder::event_time(base::UnixNanos time) {
  batch_.records.back().event_time = time;
  batch_.records.back().resolution = record::TimeResolution::nanosecond;
  return *this;
}

BatchBuilder& BatchBuilder::separate_body(std::string_view text) {
  batch_.records.back().body = {static_cast<std::uint32_t>(batch_.text.size()), static_cast<std::uint32_t>(text.size())};
  batch_.text += text;
  return *this;
}

void MemoryReader::add(record::Batch batch) {
  const std::size_t count = batch.records.size();
  batches_.push_back(std::make_shared<const record::CommittedBatch>(record::CommittedBatch{next_, std::move(batch)}));
  next_ += count;
}

ScanStep MemoryReader::visit(const record::CommittedBatchRef& batch, const store::ScanRange& range, const store::StreamFilter& filter,
                             const store::BatchVisitor& visitor) const {
  if (on_visit_) on_visit_();
  if (batch->last_sequence() < range.from_sequence || batch->first_sequence > range.to_sequence) return ScanStep::go_on;
  if (filter && !filter(*batch->batch.stream)) return ScanStep::go_on;
  return visitor(batch);
}

base::Status MemoryReader::scan(const store::ScanRange& range, const store::StreamFilter& filter,
                                const store::BatchVisitor& visitor) const {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    const auto& batch = batches_[range.newest_first ? batches_.size() - 1 - i : i];
    if (visit(batch, range, filter, visitor) == ScanStep::stop) return {};
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

std::vector<record::StreamRef> MemoryReader::streams() const {
  std::vector<record::StreamRef> out;
  for (const auto& batch : batches_) {
    const bool known = std::ranges::any_of(out, [&](const auto& stream) { return stream->id == batch->batch.stream->id; });
    if (!known) out.push_back(batch->batch.stream);
  }
  return out;
}

store::StoreStats MemoryReader::stats() const {
  store::StoreStats stats;
  stats.streams = streams().size();
  stats.next_sequence = next_;
  if (!batches_.empty()) stats.first_sequence = batches_.front()->first_sequence;
  for (const auto& batch : batches_) {
    stats.records += batch->batch.records.size();
    stats.bytes += batch->batch.text.size();
  }
  return stats;
}

std::string MemoryReader::cursor(record::Sequence sequence) const {
  return std::to_string(sequence);
}

base::Result<record::Sequence> MemoryReader::read_cursor(std::string_view text) const {
  record::Sequence sequence = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sequence);
  if (error != std::errc{} || end != text.data() + text.size()) return base::fail(base::ErrorCode::cursor_invalid, "not a number");
  return sequence;
}

}  // namespace telltale::query::testing
