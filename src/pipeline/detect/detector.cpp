#include "pipeline/detect/detector.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "pipeline/detect/negative.h"

namespace telltale::pipeline {
namespace {

using record::FindingKind;

constexpr std::array<std::string_view, 8> default_words{"error", "exception", "failed", "timeout", "panic", "fatal", "crash", "traceback"};

// How exceptions and crashes announce themselves; `also` must follow in the same line.
struct Head {
  std::string_view rule;
  std::string_view literal;
  std::string_view also;
};
constexpr std::array<Head, 16> heads{{
    {"python-traceback", "Traceback (most recent call last)", ""},
    {"java-exception-in-thread", "Exception in thread", ""},
    {"caused-by", "Caused by:", ""},
    {"go-panic", "panic: ", ""},
    {"go-goroutine", "goroutine ", "[running]"},
    {"go-fatal-error", "fatal error: ", ""},
    {"rust-panic", " panicked at ", ""},
    {"unhandled-exception", "Unhandled exception", ""},
    {"uncaught-exception", "Uncaught ", ""},
    {"unhandled-rejection", "UnhandledPromiseRejection", ""},
    {"segmentation-fault", "Segmentation fault", ""},
    {"core-dumped", "(core dumped)", ""},
    {"address-sanitizer", "ERROR: AddressSanitizer", ""},
    {"out-of-memory-killer", "Out of memory: Kill", ""},
    {"php-fatal-error", "PHP Fatal error", ""},
    {"cpp-terminate", "terminate called after throwing", ""},
}};

bool is_class_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$';
}

// java.lang.NullPointerException, TimeoutError: a name with a capital that ends with the word and is no part of a longer one.
bool is_exception_class(std::string_view line, std::size_t begin, std::size_t end) {
  if (begin == 0 || line[begin] < 'A' || line[begin] > 'Z' || !is_class_name(line[begin - 1]) || line[begin - 1] == '_') return false;
  if (end < line.size() && is_class_name(line[end]) && line[end] != '.') return false;
  std::size_t from = begin;
  while (from > 0 && is_class_name(line[from - 1]) && begin - from < 128) --from;
  return std::any_of(line.begin() + static_cast<std::ptrdiff_t>(from), line.begin() + static_cast<std::ptrdiff_t>(begin),
                     [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool overlaps(const record::Finding& finding, std::size_t begin, std::size_t end) {
  return finding.size > 0 && begin < finding.begin + finding.size && finding.begin < end;
}

}  // namespace

std::vector<std::string_view> builtin_detection_rules() {
  std::vector<std::string_view> names{"severity"};
  for (const Head& head : heads) names.push_back(head.rule);
  names.insert(names.end(), default_words.begin(), default_words.end());
  return names;
}

base::Result<Detector> Detector::make(const config::DetectionConfig& config, ScannerBuilder& builder) {
  Detector detector;
  detector.rules_.push_back({"severity", "", Trigger::word, ""});
  if (config.replace.empty()) {
    for (const Head& head : heads) {
      detector.add_rule({std::string(head.rule), base::to_lower(head.literal), Trigger::head, head.also}, head.literal, false, builder);
    }
  }
  const auto add_words = [&](const auto& words) {
    for (const auto& word : words) {
      const std::string lower = base::to_lower(base::trim(word));
      const bool known =
          std::ranges::any_of(detector.rules_, [&](const Rule& rule) { return rule.trigger == Trigger::word && rule.text == lower; });
      if (!lower.empty() && !known) detector.add_rule({lower, lower, Trigger::word, ""}, lower, true, builder);
    }
  };
  if (config.replace.empty()) add_words(default_words);
  add_words(config.replace);
  add_words(config.add);
  for (const std::string& text : config.ignore) {
    if (!text.empty()) detector.add_rule({text, base::to_lower(text), Trigger::ignore, ""}, text, true, builder);
  }
  return detector;
}

void Detector::add_rule(Rule rule, std::string_view literal, bool any_case, ScannerBuilder& builder) {
  const LiteralId id = builder.add(literal, any_case);
  if (id >= triggers_.size()) triggers_.resize(id + std::size_t{1});
  triggers_[id].push_back(static_cast<RuleNumber>(rules_.size()));
  rules_.push_back(std::move(rule));
}

bool Detector::is_ignored(std::span<const Hit> hits) const {
  return std::ranges::any_of(hits, [&](const Hit& hit) {
    return wants(hit.literal) &&
           std::ranges::any_of(triggers_[hit.literal], [&](RuleNumber rule) { return rules_[rule].trigger == Trigger::ignore; });
  });
}

void Detector::add(record::Batch& batch, record::Record& record, RuleNumber rule, FindingKind kind, std::size_t begin, std::size_t end,
                   DetectScratch& scratch) const {
  if (scratch.batch_names[rule] == 0) {
    batch.rule_names.push_back(rules_[rule].name);
    scratch.batch_names[rule] = static_cast<std::uint16_t>(batch.rule_names.size());
  }
  batch.findings.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin),
                            static_cast<std::uint16_t>(scratch.batch_names[rule] - 1), kind});
  ++record.finding_count;
}

void Detector::add_severity(record::Batch& batch, record::Record& record, DetectScratch& scratch) const {
  const record::TextRef text = record.severity_text;
  const bool inside = text.size > 0 && text.offset >= record.line.offset && text.end() <= record.line.end();
  const std::size_t begin = inside ? text.offset - record.line.offset : 0;
  add(batch, record, 0, FindingKind::severity, begin, inside ? begin + text.size : 0, scratch);
}

void Detector::detect(record::Batch& batch, record::Record& record, std::span<const Hit> hits, std::uint32_t base,
                      DetectScratch& scratch) const {
  record.first_finding = static_cast<std::uint32_t>(batch.findings.size());
  record.finding_count = 0;
  const bool severe = record::is_error(record.severity);
  if (!severe && hits.empty()) return;
  if (is_ignored(hits)) return;
  if (severe) add_severity(batch, record, scratch);
  const std::string_view line = batch.line(record);
  // A head may lie over the level: "panic: ..." is both.
  const auto is_free = [&](std::size_t begin, std::size_t end, RuleNumber rule) {
    const bool head = rules_[rule].trigger == Trigger::head;
    const auto name = scratch.batch_names[rule];
    return std::none_of(batch.findings.begin() + record.first_finding, batch.findings.end(), [&](const record::Finding& f) {
      return (overlaps(f, begin, end) && !(head && f.kind == FindingKind::severity)) || (name != 0 && f.rule + 1u == name);
    });
  };
  for (const Trigger pass : {Trigger::head, Trigger::word}) {
    for (const Hit& hit : hits) {
      if (!wants(hit.literal)) continue;
      const std::size_t end = hit.end - base;
      for (const RuleNumber number : triggers_[hit.literal]) {
        const Rule& rule = rules_[number];
        if (rule.trigger != pass || record.finding_count >= most_findings) continue;
        const std::size_t begin = end - rule.text.size();
        if (!is_free(begin, end, number)) continue;
        if (pass == Trigger::head) {
          if (!rule.also.empty() && line.find(rule.also, end) == std::string_view::npos) continue;
          add(batch, record, number, FindingKind::exception, begin, end, scratch);
        } else if (!is_no_error(line, begin, end)) {
          const bool exception = (rule.text == "exception" || rule.text == "error") && is_exception_class(line, begin, end);
          add(batch, record, number, exception ? FindingKind::exception : FindingKind::word, begin, end, scratch);
        }
      }
    }
  }
  if (record.has(record::flag_joined)) keep_most_telling(batch, record);
}

// Many lines of one trace hold a word: the record has one finding, of the exception where there is one.
void Detector::keep_most_telling(record::Batch& batch, record::Record& record) {
  if (record.finding_count < 2) return;
  const auto first = batch.findings.begin() + record.first_finding;
  const auto exception = std::find_if(first, batch.findings.end(), [](const auto& f) { return f.kind == FindingKind::exception; });
  if (exception != batch.findings.end()) *first = *exception;
  batch.findings.erase(first + 1, batch.findings.end());
  record.finding_count = 1;
}

}  // namespace telltale::pipeline
