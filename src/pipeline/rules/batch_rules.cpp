#include "pipeline/rules/batch_rules.h"

#include <algorithm>

#include "pipeline/parse/id_values.h"

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
  tail_begin_ = batch_.records.back().line.end();
  tail_end_ = static_cast<std::uint32_t>(batch_.text.size());
  while (tail_begin_ < tail_end_ && (batch_.text[tail_begin_] == '\r' || batch_.text[tail_begin_] == '\n')) ++tail_begin_;
  tail_kept_to_ = tail_begin_;
  find_escaped_records(work);
  std::size_t hit = 0;
  std::size_t number = 0;
  std::uint32_t line_end = 0;
  for (std::size_t i = 0; i < batch_.records.size(); ++i) {
    const TextRef line = batch_.records[i].line;
    // Bytes between lines belong to no record; nobody needs them when they hold something like a secret.
    const bool between = wants_redaction(take_hits(work.hits, hit, line.offset));
    if ((take_numbers(work.numbers, number, line.offset) || between) && line.offset > line_end) wipe({line_end, line.offset - line_end});
    line_end = line.end();
    const Hits hits = take_hits(work.hits, hit, line_end);
    const bool has_number = take_numbers(work.numbers, number, line_end);
    apply_to(i, hits, has_number, work);
  }
}

void BatchRules::apply_to(std::size_t index, Hits hits, bool has_number, Work& work) {
  std::uint32_t base = batch_.records[index].line.offset;
  const bool is_escaped = !work.escaped.empty() && work.escaped[index] != 0;
  const bool look =
      has_number || is_escaped || state_.redact.in_private_key || redactor_.wants_every_line() || (!hits.empty() && wants_redaction(hits));
  if (look && redactor_.enabled() && redact(index, hits, is_escaped, work.redact)) {
    hits = work.redact.hits;
    base = 0;
  }
  Record& record = batch_.records[index];
  const bool encoded = !hits.empty() && ids_.find(batch_, record, hits, base);
  detector_.detect(batch_, record, hits, base, work.detect);
  if (encoded) decode_test_id(record, work.redact);
}

// What decoding brings to light was not looked at before.
void BatchRules::decode_test_id(Record& record, RedactScratch& scratch) {
  std::string id;
  append_percent_decoded(id, batch_.view(record.test_id));
  if (redactor_.enabled()) {
    std::vector<Hit> hits;
    scanner_.scan(id, scratch.scan, hits);
    RedactState none;
    if (redactor_.redact(id, hits, 0, scanner_, none, scratch)) id = scratch.line;
  }
  record.test_id = {static_cast<std::uint32_t>(batch_.text.size()), static_cast<std::uint32_t>(id.size())};
  batch_.text.append(id);
}

// Which records have unescaped text behind the lines that holds a secret.
void BatchRules::find_escaped_records(Work& work) const {
  const auto behind = std::ranges::upper_bound(work.hits, tail_begin_, {}, &Hit::end);
  const bool number_behind = !work.numbers.empty() && work.numbers.back().end > tail_begin_;
  if (!number_behind && !wants_redaction({behind, work.hits.end()})) return;
  work.escaped.assign(batch_.records.size(), 0);
  for (std::size_t i = 0; i < batch_.records.size(); ++i) {
    const Record& record = batch_.records[i];
    const auto check = [&](TextRef ref) {
      if (ref.size > 0 && ref.offset >= tail_begin_ && holds_secret(ref, work)) work.escaped[i] = 1;
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

bool BatchRules::redact(std::size_t index, Hits hits, bool force_escapes, RedactScratch& scratch) {
  Record& record = batch_.records[index];
  if (!redactor_.redact(batch_.line(record), hits, record.line.offset, scanner_, state_.redact, scratch, force_escapes)) return false;
  // First the bytes, then the new line: appending may move the text and leave the old bytes behind in freed memory.
  wipe_tail_of(index);
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

TextRef BatchRules::tail_of(const Record& record) const {
  std::uint32_t begin = tail_end_;
  std::uint32_t end = tail_begin_;
  const auto cover = [&](TextRef ref) {
    if (ref.size == 0 || ref.offset < tail_begin_ || ref.end() > tail_end_) return;
    begin = std::min(begin, ref.offset);
    end = std::max(end, ref.end());
  };
  for (const TextRef ref : {record.body, record.severity_text, record.trace_id, record.span_id, record.test_id}) cover(ref);
  for (const Attribute& attribute : batch_.attributes_of(record)) {
    cover(attribute.key);
    cover(attribute.text);
  }
  return begin < end ? TextRef{begin, end - begin} : TextRef{};
}

// Parsing may have appended more for the record than it kept views of: all between its neighbours' parts of the tail goes.
// Linear over a batch: each record is looked at once as one before and once as one behind.
void BatchRules::wipe_tail_of(std::size_t index) {
  if (tail_begin_ == tail_end_) return;
  for (; next_record_ < index; ++next_record_) {
    if (!batch_.records[next_record_].has(record::flag_redacted))
      tail_kept_to_ = std::max(tail_kept_to_, tail_of(batch_.records[next_record_]).end());
  }
  if (next_with_tail_ <= index) {
    next_with_tail_ = index + 1;
    while (next_with_tail_ < batch_.records.size() && tail_of(batch_.records[next_with_tail_]).empty()) ++next_with_tail_;
  }
  const std::uint32_t end = next_with_tail_ < batch_.records.size() ? tail_of(batch_.records[next_with_tail_]).offset : tail_end_;
  if (end > tail_kept_to_) wipe({tail_kept_to_, end - tail_kept_to_});
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
