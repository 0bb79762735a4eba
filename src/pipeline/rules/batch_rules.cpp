#include "pipeline/rules/batch_rules.h"

#include <algorithm>

namespace telltale::pipeline {

using record::Attribute;
using record::Record;
using record::TextRef;

namespace {

// Flags that tell of where the line came from; parsing does not know them.
constexpr std::uint16_t kept_flags = record::flag_joined | record::flag_truncated | record::flag_gap | record::flag_unterminated;

// The hits from `at` on that end at `end` or before; moves `at` behind them.
std::span<const Hit> take_hits(const std::vector<Hit>& hits, std::size_t& at, std::uint32_t end) {
  const std::size_t first = at;
  while (at < hits.size() && hits[at].end <= end) ++at;
  return std::span(hits).subspan(first, at - first);
}

bool take_numbers(const std::vector<NumberHit>& numbers, std::size_t& at, std::uint32_t end) {
  const std::size_t first = at;
  while (at < numbers.size() && numbers[at].end <= end) ++at;
  return at > first;
}

}  // namespace

bool BatchRules::wants_redaction(Hits hits) const {
  return std::ranges::any_of(hits, [&](const Hit& hit) { return redacts_[hit.literal] != 0; });
}

void BatchRules::apply(Work work) {
  detector_.begin_batch(work.detect);
  work.hits.clear();
  work.numbers.clear();
  work.escaped.clear();
  scanner_.scan(batch_.text, work.redact.scan, work.hits);
  if (redactor_.wants_numbers()) find_numbers(batch_.text, work.numbers);
  if (batch_.records.empty()) return;
  find_escaped_records(work, batch_.records.back().line.end());
  std::size_t hit = 0;
  std::size_t number = 0;
  std::uint32_t line_end = 0;
  for (std::size_t i = 0; i < batch_.records.size(); ++i) {
    Record& record = batch_.records[i];
    const TextRef line = record.line;
    // Bytes between lines belong to no record; nobody needs them when they hold something like a secret.
    const bool between = wants_redaction(take_hits(work.hits, hit, line.offset));
    if ((take_numbers(work.numbers, number, line.offset) || between) && line.offset > line_end) wipe({line_end, line.offset - line_end});
    line_end = line.end();
    const Hits hits = take_hits(work.hits, hit, line_end);
    const bool has_number = take_numbers(work.numbers, number, line_end);
    apply_to(record, hits, has_number, !work.escaped.empty() && work.escaped[i] != 0, work);
  }
}

void BatchRules::apply_to(Record& record, Hits hits, bool has_number, bool is_escaped, Work& work) {
  std::uint32_t base = record.line.offset;
  const bool look =
      has_number || is_escaped || state_.redact.in_private_key || redactor_.wants_every_line() || (!hits.empty() && wants_redaction(hits));
  if (look && redactor_.enabled() && redact(record, hits, is_escaped, work.redact)) {
    hits = work.redact.hits;
    base = 0;
  }
  detector_.detect(batch_, record, hits, base, work.detect);
}

// Which records have unescaped text behind the lines that holds a secret.
void BatchRules::find_escaped_records(Work& work, std::uint32_t lines_end) const {
  const auto behind = std::ranges::upper_bound(work.hits, lines_end, {}, &Hit::end);
  const bool number_behind = !work.numbers.empty() && work.numbers.back().end > lines_end;
  if (!number_behind && !wants_redaction({behind, work.hits.end()})) return;
  work.escaped.assign(batch_.records.size(), 0);
  for (std::size_t i = 0; i < batch_.records.size(); ++i) {
    const Record& record = batch_.records[i];
    const auto check = [&](TextRef ref) {
      if (ref.size > 0 && ref.offset >= lines_end && holds_secret(ref, work)) work.escaped[i] = 1;
    };
    for (const TextRef ref : {record.body, record.severity_text, record.trace_id, record.span_id, record.test_id}) check(ref);
    for (const Attribute& attribute : batch_.attributes_of(record)) {
      check(attribute.key);
      check(attribute.text);
    }
  }
}

bool BatchRules::holds_secret(TextRef ref, Work& work) const {
  const bool number =
      std::ranges::any_of(work.numbers, [&](const NumberHit& hit) { return hit.begin >= ref.offset && hit.end <= ref.end(); });
  if (number) return true;
  const auto first = std::ranges::upper_bound(work.hits, ref.offset, {}, &Hit::end);
  const auto last = std::ranges::upper_bound(work.hits, ref.end(), {}, &Hit::end);
  // A literal that begins before the text belongs to its neighbour.
  auto inside = first;
  while (inside != last && inside->end - scanner_.literal_size(inside->literal) < ref.offset) ++inside;
  if (inside == last || !wants_redaction({inside, last})) return false;
  std::vector<Hit> hits;
  for (auto hit = inside; hit != last; ++hit) {
    if (hit->end - scanner_.literal_size(hit->literal) >= ref.offset) hits.push_back(*hit);
  }
  return redactor_.has_secret(batch_.view(ref), hits, ref.offset, scanner_, work.redact);
}

bool BatchRules::redact(Record& record, Hits hits, bool force_escapes, RedactScratch& scratch) {
  if (!redactor_.redact(batch_.line(record), hits, record.line.offset, scanner_, state_.redact, scratch, force_escapes)) return false;
  // First the bytes, then the new line: appending may move the text and leave the old bytes behind in freed memory.
  wipe_record(record);
  const std::uint16_t flags = record.flags & kept_flags;
  record.line = {static_cast<std::uint32_t>(batch_.text.size()), static_cast<std::uint32_t>(scratch.line.size())};
  batch_.text.append(scratch.line);
  reparse_(batch_, record);
  record.flags |= flags | record::flag_redacted;
  return true;
}

void BatchRules::wipe(TextRef ref) {
  if (ref.size > 0) std::fill_n(batch_.text.data() + ref.offset, ref.size, 'x');
}

// Overwrites the record's text and forgets the values that were read from it.
void BatchRules::wipe_record(Record& record) {
  for (const TextRef ref : {record.line, record.body, record.severity_text, record.trace_id, record.span_id, record.test_id}) wipe(ref);
  for (std::uint32_t i = 0; i < record.attribute_count; ++i) {
    Attribute& attribute = batch_.attributes[record.first_attribute + i];
    wipe(attribute.key);
    wipe(attribute.text);
    attribute = {};
  }
  record.body = record.severity_text = record.trace_id = record.span_id = record.test_id = {};
  record.attribute_count = 0;
}

}  // namespace telltale::pipeline
