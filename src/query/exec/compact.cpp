#include "query/exec/compact.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace telltale::query {
namespace {

using record::Batch;
using record::Record;
using record::TextRef;

// Moves references of one batch's text to another's, which begins with the record's line.
class TextMover {
 public:
  TextMover(const Batch& from, const Record& record, Batch& to) : from_(from), line_(record.line), to_(to) { to_.text = from_.view(line_); }

  TextRef move(TextRef ref) {
    if (ref.empty()) return {};
    if (ref.offset >= line_.offset && ref.end() <= line_.end()) return {ref.offset - line_.offset, ref.size};
    const TextRef moved{static_cast<std::uint32_t>(to_.text.size()), ref.size};
    to_.text += from_.view(ref);
    return moved;
  }

 private:
  const Batch& from_;
  TextRef line_;
  Batch& to_;
};

std::uint16_t take_rule(const Batch& from, std::uint16_t rule, Batch& to) {
  if (rule >= from.rule_names.size()) return rule;
  const std::string& name = from.rule_names[rule];
  const auto known = std::find(to.rule_names.begin(), to.rule_names.end(), name);
  const auto index = static_cast<std::uint16_t>(known - to.rule_names.begin());
  if (known == to.rule_names.end()) to.rule_names.push_back(name);
  return index;
}

}  // namespace

record::CommittedBatchRef copy_record(const record::CommittedBatch& batch, std::uint32_t index) {
  const Batch& from = batch.batch;
  Record record = from.records[index];
  auto copy = std::make_shared<record::CommittedBatch>();
  Batch& to = copy->batch;
  copy->first_sequence = batch.first_sequence + index;
  to.stream = from.stream;
  to.written_after = from.written_after;
  TextMover mover(from, record, to);
  for (record::Attribute attribute : from.attributes_of(record)) {
    attribute.key = mover.move(attribute.key);
    attribute.text = mover.move(attribute.text);
    to.attributes.push_back(attribute);
  }
  for (record::Finding finding : from.findings_of(record)) {
    finding.rule = take_rule(from, finding.rule, to);
    to.findings.push_back(finding);
  }
  record.body = mover.move(record.body);
  record.severity_text = mover.move(record.severity_text);
  record.trace_id = mover.move(record.trace_id);
  record.span_id = mover.move(record.span_id);
  record.test_id = mover.move(record.test_id);
  record.line = {0, record.line.size};
  record.first_attribute = 0;
  record.first_finding = 0;
  to.records.push_back(record);
  return copy;
}

}  // namespace telltale::query
