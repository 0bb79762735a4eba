#include "pipeline/redact/redactor.h"

#include <re2/re2.h>

#include <algorithm>

#include "pipeline/redact/field_values.h"
#include "pipeline/redact/json_strings.h"
#include "pipeline/redact/private_key.h"
#include "pipeline/redact/spans.h"

namespace telltale::pipeline {
namespace {

constexpr std::size_t longest_match = 8192;   // of a pattern at a keyword
constexpr std::uint32_t most_attempts = 128;  // of one pattern in a line; then one search of the rest is cheaper
constexpr int most_rounds = 4;
constexpr int most_cuts = 4;

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_word(char c) {
  return in_chars(Chars::alnum, c) || c == '_';
}

// Whether a token can begin at `at`: not inside a longer word, but right after an escape such as \n, \u003d or %3D.
bool begins_token(std::string_view line, std::size_t at) {
  if (at == 0 || !is_word(line[at - 1])) return true;
  if (at >= 2 && line[at - 2] == '\\') return line[at - 1] == 'n' || line[at - 1] == 't' || line[at - 1] == 'r';
  if (at >= 3 && line[at - 3] == '%') return in_chars(Chars::hex, line[at - 2]) && in_chars(Chars::hex, line[at - 1]);
  return at >= 6 && line.substr(at - 6, 4) == "\\u00";
}

bool has_tail(std::string_view line, std::size_t at, Chars tail, std::size_t count) {
  if (line.size() - at < count) return false;
  return std::ranges::all_of(line.substr(at, count), [&](char c) { return in_chars(tail, c); });
}

bool has_slashes(std::string_view text) {
  return text.find("//") != std::string_view::npos || text.find("\\/\\/") != std::string_view::npos;
}

}  // namespace

bool Redactor::redact(std::string_view line, Hits hits, std::uint32_t base, const Scanner& scanner, RedactState& state,
                      RedactScratch& scratch, bool force_escapes) const {
  scratch.spans.clear();
  scratch.has_escapes = force_escapes;
  if (state.in_private_key && key_rule_ != no_rule) continue_private_key(line, key_rule_, state, scratch.spans);
  find(line, hits, base, scanner, state, scratch);
  merge_spans(line, scratch.spans);
  bool changed = !scratch.spans.empty();
  if (!changed && !scratch.has_escapes) return false;
  rewrite(line, scratch);
  // Taking something out can bring something else to light.
  for (int round = 0;; ++round) {
    scratch.hits.clear();
    scanner.scan(scratch.line, scratch.scan, scratch.hits);
    find_again(scanner, scratch);
    if (scratch.spans.empty()) break;
    changed = true;
    // No real line needs so many rounds, and one that is made to may not take them without end: the rest of it goes, at last all of it.
    if (round >= most_rounds) {
      scratch.spans.resize(1);
      if (round == most_rounds + most_cuts) scratch.spans.front().begin = 0;
      scratch.spans.front().end = static_cast<std::uint32_t>(scratch.line.size());
      scratch.spans.front().quotes = 0;
    }
    scratch.next.swap(scratch.line);
    rewrite(scratch.next, scratch);
  }
  return changed;
}

// In scratch.line, by scratch.hits. Strings are looked at unescaped only when nothing else is left in them.
void Redactor::find_again(const Scanner& scanner, RedactScratch& scratch) const {
  scratch.spans.clear();
  RedactState none;
  find(scratch.line, scratch.hits, 0, scanner, none, scratch);
  merge_spans(scratch.line, scratch.spans);
  if (!scratch.spans.empty() || !scratch.has_escapes) return;
  find_escaped(scratch.line, scanner, scratch);
  merge_spans(scratch.line, scratch.spans);
}

bool Redactor::has_secret(std::string_view text, Hits hits, std::uint32_t base, const Scanner& scanner, RedactScratch& scratch) const {
  scratch.spans.clear();
  RedactState none;
  find(text, hits, base, scanner, none, scratch);
  merge_spans(text, scratch.spans);
  return !scratch.spans.empty();
}

void Redactor::find(std::string_view line, Hits hits, std::uint32_t base, const Scanner& scanner, RedactState& state,
                    RedactScratch& scratch) const {
  if (line.find("\x1b[") == std::string_view::npos) return find_plain(line, hits, base, scanner, state, scratch);
  scratch.plain.set(line);
  scratch.plain_hits.clear();
  scanner.scan(scratch.plain.text(), scratch.scan, scratch.plain_hits);
  const std::size_t before = scratch.spans.size();
  find_plain(scratch.plain.text(), scratch.plain_hits, 0, scanner, state, scratch);
  for (std::size_t i = before; i < scratch.spans.size(); ++i) {
    scratch.spans[i].begin = scratch.plain.begin_in_line(scratch.spans[i].begin);
    scratch.spans[i].end = scratch.plain.end_in_line(scratch.spans[i].end);
  }
}

void Redactor::find_plain(std::string_view line, Hits hits, std::uint32_t base, const Scanner& scanner, RedactState& state,
                          RedactScratch& scratch) const {
  scratch.progress.resize(rules_.size());
  for (const Hit& hit : hits) {
    if (hit.literal >= triggers_.size()) continue;
    if (hit.literal == escape_literal_) scratch.has_escapes = true;
    const std::size_t end = hit.end - base;
    for (const RuleIndex rule : triggers_[hit.literal]) find_at(line, rule, end - scanner.literal_size(hit.literal), end, state, scratch);
  }
  for (const RuleIndex rule : unfiltered_) search(line, rule, 0, scratch);
  if (wants_numbers()) find_numbers_in(line, scratch);
  for (const RuleIndex rule : scratch.touched) scratch.progress[rule] = {};
  scratch.touched.clear();
}

void Redactor::find_at(std::string_view line, RuleIndex rule, std::size_t hit_begin, std::size_t hit_end, RedactState& state,
                       RedactScratch& scratch) const {
  RedactScratch::RuleProgress& progress = scratch.progress[rule];
  if (hit_begin < progress.taken_until) return;
  if (progress.attempts++ == 0) scratch.touched.push_back(rule);
  const std::size_t before = scratch.spans.size();
  switch (rules_[rule].spec.confirm) {
    case Confirm::at_keyword:
      if (progress.attempts <= most_attempts) return match_at_keyword(line, rule, hit_begin, hit_end, scratch);
      search(line, rule, hit_begin > longest_match ? hit_begin - longest_match : 0, scratch);
      progress.taken_until = static_cast<std::uint32_t>(line.size());
      return;
    case Confirm::whole_line:
      search(line, rule, 0, scratch);
      progress.taken_until = static_cast<std::uint32_t>(line.size());
      return;
    case Confirm::private_key:
      find_private_keys(line, rule, state, scratch.spans);
      progress.taken_until = static_cast<std::uint32_t>(line.size());
      return;
    case Confirm::field_name:
      find_field_values(line, hit_begin, hit_end, fields_, scratch.spans);
      if (scratch.spans.size() > before) progress.taken_until = scratch.spans.back().end;
      return;
    case Confirm::digits:
      return;
  }
}

void Redactor::match_at_keyword(std::string_view line, RuleIndex index, std::size_t hit_begin, std::size_t hit_end,
                                RedactScratch& scratch) const {
  const Rule& rule = rules_[index];
  const RuleSpec& spec = rule.spec;
  if (spec.tail_min > 0 && !has_tail(line, hit_end, spec.tail, spec.tail_min)) return;
  std::size_t begin = hit_begin;
  while (begin > 0 && hit_begin - begin < spec.lead_max && in_chars(spec.lead, line[begin - 1])) --begin;
  // A URL's password stands after two slashes; most places with an @ have none before it.
  if (spec.lead == Chars::not_space && !has_slashes(line.substr(begin, hit_begin - begin))) return;
  if (spec.lead == Chars::none && spec.tail_min > 0 && !begins_token(line, begin)) return;
  re2::StringPiece groups[2];
  const int count = rule.pattern->NumberOfCapturingGroups() > 0 ? 2 : 1;
  const std::string_view window = line.substr(0, begin + longest_match);
  if (!rule.pattern->Match(piece(window), begin, window.size(), re2::RE2::ANCHOR_START, groups, count)) return;
  const re2::StringPiece found = groups[count - 1];
  const auto at = static_cast<std::size_t>(found.data() - line.data());
  if (!passes(spec.check, {found.data(), found.size()})) return;
  scratch.spans.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + found.size()), index, 0});
  scratch.progress[index].taken_until = static_cast<std::uint32_t>(at + found.size());
}

void Redactor::search(std::string_view line, RuleIndex index, std::size_t from, RedactScratch& scratch) const {
  const Rule& rule = rules_[index];
  re2::StringPiece groups[2];
  const int count = rule.pattern->NumberOfCapturingGroups() > 0 ? 2 : 1;
  while (from <= line.size() && rule.pattern->Match(piece(line), from, line.size(), re2::RE2::UNANCHORED, groups, count)) {
    const re2::StringPiece found = groups[count - 1].data() != nullptr ? groups[count - 1] : groups[0];
    const auto at = static_cast<std::size_t>(found.data() - line.data());
    if (!found.empty() && passes(rule.spec.check, {found.data(), found.size()})) {
      scratch.spans.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + found.size()), index, 0});
    }
    const auto end = static_cast<std::size_t>(groups[0].data() - line.data()) + groups[0].size();
    from = std::max(end, from + (groups[0].empty() ? 1 : 0));
    if (groups[0].empty()) from = end + 1;
  }
}

void Redactor::find_numbers_in(std::string_view line, RedactScratch& scratch) const {
  scratch.numbers.clear();
  find_numbers(line, scratch.numbers);
  for (const NumberHit& number : scratch.numbers) {
    const RuleIndex rule = number.kind == NumberKind::card ? card_rule_ : iban_rule_;
    if (rule == no_rule) continue;
    scratch.spans.push_back(
        {number.begin, number.end, rule, bare_json_number(line, number.begin, number.end) ? std::uint8_t{1} : std::uint8_t{0}});
  }
}

void Redactor::find_escaped(std::string_view line, const Scanner& scanner, RedactScratch& scratch) const {
  std::vector<SecretSpan> found;
  std::vector<Hit> hits;
  std::string plain;
  std::size_t at = 0;
  while (const auto string = next_json_string(line, at)) {
    at = string->end + std::size_t{1};
    if (!string->escaped) continue;
    unescape_json(line.substr(string->begin, string->end - string->begin), plain);
    hits.clear();
    scanner.scan(plain, scratch.scan, hits);
    scratch.spans.clear();
    RedactState none;
    find(plain, hits, 0, scanner, none, scratch);
    merge_spans(plain, scratch.spans);
    if (!scratch.spans.empty()) found.push_back({string->begin, string->end, scratch.spans.front().rule, 0});
    scratch.spans.clear();
    add_named_value(line, string->end, plain, scratch);
    found.insert(found.end(), scratch.spans.begin(), scratch.spans.end());
  }
  scratch.spans = std::move(found);
}

void Redactor::add_named_value(std::string_view line, std::size_t key_end, std::string_view name, RedactScratch& scratch) const {
  const auto match = fields_.find(name);
  if (!match) return;
  std::size_t at = line.find_first_not_of(" \t", key_end + 1);
  if (at == std::string_view::npos || line[at] != ':') return;
  at = line.find_first_not_of(" \t", at + 1);
  if (at == std::string_view::npos) return;
  if (line[at] == '"') {
    const auto value = next_json_string(line, at);
    if (value && !is_placeholder(line.substr(value->begin, value->end - value->begin))) {
      scratch.spans.push_back({value->begin, value->end, match->rule, 0});
    }
    return;
  }
  const std::size_t end = std::min(line.find_first_of(",}] \t", at), line.size());
  if (in_chars(Chars::digit, line[at]) || line[at] == '-') {
    scratch.spans.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end), match->rule, 1});
  }
}

void Redactor::rewrite(std::string_view line, RedactScratch& scratch) const {
  scratch.line.clear();
  std::size_t at = 0;
  for (const SecretSpan& span : scratch.spans) {
    scratch.line.append(line.substr(at, span.begin - at));
    append_marker(scratch.line, rules_[span.rule].name, span.quotes);
    rules_[span.rule].taken->add();
    at = span.end;
  }
  scratch.line.append(line.substr(at));
}

}  // namespace telltale::pipeline
