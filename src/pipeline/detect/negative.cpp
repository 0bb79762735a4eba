#include "pipeline/detect/negative.h"

#include <algorithm>
#include <array>

namespace telltale::pipeline {
namespace {

constexpr std::size_t stretch = 64;  // how far the grammar looks to either side

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

template <std::size_t N>
bool any_equals(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

// The word and what stands around it, in lower case; nothing is allocated.
class Context {
 public:
  Context(std::string_view line, std::size_t begin, std::size_t end) {
    std::size_t from = begin;
    std::size_t to = end;
    while (from > 0 && is_name(line[from - 1]) && begin - from < stretch) --from;
    while (to < line.size() && is_name(line[to]) && to - end < stretch) ++to;
    const std::size_t left = from > stretch ? from - stretch : 0;
    const std::string_view around = line.substr(left, std::min(to + stretch - left, chars_.size()));
    std::ranges::transform(around, chars_.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string_view text(chars_.data(), around.size());
    before = text.substr(0, from - left);
    name = text.substr(std::min(from - left, text.size()), to - from);
    word = text.substr(std::min(begin - left, text.size()), end - begin);
    after = text.substr(std::min(to - left, text.size()));
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  std::string_view before;  // up to the name's beginning
  std::string_view name;    // the longer name that the word is a part of
  std::string_view word;
  std::string_view after;  // from the name's end

 private:
  std::array<char, 6 * stretch> chars_;
};

// Takes the last word off `text`: letters, digits and the punctuation of numbers.
std::string_view last_word(std::string_view& text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  const std::size_t end = text.size();
  std::size_t begin = end;
  while (begin > 0 && (is_name(text[begin - 1]) || text[begin - 1] == '.' || text[begin - 1] == '\'')) --begin;
  const std::string_view word = text.substr(begin, end - begin);
  text = text.substr(0, begin);
  return word;
}

bool is_zero(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0.") == std::string_view::npos && word.front() == '0' && word.back() != '.';
}

// "0 errors", "no fatal errors", "without any error": one word may stand between.
bool is_negated_before(std::string_view before) {
  static constexpr std::array<std::string_view, 8> negations{"no", "zero", "without", "nor", "never", "non", "neither", "w/o"};
  static constexpr std::array<std::string_view, 3> weak{"any", "an", "a"};
  for (int i = 0; i < 2; ++i) {
    const std::string_view word = last_word(before);
    if (word.empty()) return false;
    // In "code=0 error" the zero is the code's.
    if (is_zero(word) || any_equals(negations, word)) return before.empty() || (before.back() != '=' && before.back() != ':');
    if (i == 0 && !any_equals(weak, word) && !std::ranges::all_of(word, is_letter)) return false;
  }
  return false;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Takes ": " or "=" or "\": " off the beginning.
bool take_separator(std::string_view& text) {
  while (!text.empty() &&
         (text.front() == '\\' || text.front() == '"' || text.front() == '\'' || text.front() == ')' || text.front() == ']'))
    text.remove_prefix(1);
  skip_blanks(text);
  if (text.empty() || (text.front() != ':' && text.front() != '=')) return false;
  text.remove_prefix(1);
  if (!text.empty() && (text.front() == '=' || text.front() == '>')) text.remove_prefix(1);
  skip_blanks(text);
  return true;
}

std::string_view first_value(std::string_view text) {
  while (!text.empty() && (text.front() == '\\' || text.front() == '"' || text.front() == '\'')) text.remove_prefix(1);
  std::size_t size = 0;
  while (size < text.size() && (is_name(text[size]) || text[size] == '.' || text[size] == '<' || text[size] == '>')) ++size;
  while (size > 0 && text[size - 1] == '.') --size;
  return text.substr(0, size);
}

bool is_empty_value(std::string_view text) {
  return text.starts_with("\"\"") || text.starts_with("''") || text.starts_with("[]") || text.starts_with("{}") ||
         text.starts_with("\\\"\\\"");
}

// Whether `value`, which begins with `found`, is a sentence, as in "error: no answer"; in "error=none user=x" it is not.
bool goes_on(std::string_view value, std::string_view found) {
  value.remove_prefix(static_cast<std::size_t>(found.data() - value.data()) + found.size());
  if (value.size() < 2 || value[0] != ' ' || !is_letter(value[1])) return false;
  const std::size_t end = value.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-", 1);
  return end == std::string_view::npos || (value[end] != '=' && value[end] != ':');
}

// "errors: 0", "error_count=0", "\"error\":null", "failed tests: 0", "errors 0".
bool is_zero_after(std::string_view after) {
  static constexpr std::array<std::string_view, 9> nothing{"null", "nil", "<nil>", "none", "false", "no", "n/a", "undefined", "ok"};
  std::string_view text = after;
  if (text.starts_with("(s)")) text.remove_prefix(3);
  for (int words = 0; words < 3; ++words) {
    std::string_view value = text;
    if (take_separator(value)) {
      if (is_empty_value(value)) return true;
      if (value.starts_with("0%") || value.starts_with("0.0%")) return true;
      const std::string_view found = first_value(value);
      return is_zero(found) || (any_equals(nothing, found) && !goes_on(value, found));
    }
    skip_blanks(text);
    std::size_t size = 0;
    while (size < text.size() && is_letter(text[size])) ++size;
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return false;
}

bool is_duration(std::string_view text) {
  static constexpr std::array<std::string_view, 22> units{"",     "ns",    "us",     "ms",           "s",    "m",    "h",      "d",
                                                          "sec",  "secs",  "second", "seconds",      "min",  "mins", "minute", "minutes",
                                                          "hour", "hours", "millis", "milliseconds", "msec", "msecs"};
  std::size_t digits = 0;
  while (digits < text.size() && (is_digit(text[digits]) || text[digits] == '.')) ++digits;
  return digits > 0 && any_equals(units, text.substr(digits));
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

// "timeout 30s exceeded" and the like after a duration tell that it happened.
bool says_it_happened(std::string_view text) {
  static constexpr std::array<std::string_view, 8> words{"exceeded", "expired", "reached", "elapsed", "passed", "hit", "occurred", "fired"};
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// timeout=30s, "timeout": 5000, connect_timeout_ms, timeoutSeconds: 10, with a timeout of 30s, timeout 5000ms.
bool is_timeout_setting(const Context& c) {
  if (c.word != "timeout") return false;
  static constexpr std::array<std::string_view, 5> off{"off", "infinite", "default", "disabled", "unlimited"};
  std::string_view text = c.after;
  if (ends_with_any(c.name, {"_ms", "_s", "_sec", "_secs", "_seconds", "-ms", "-seconds", "seconds", "millis", "timeoutms", "timeoutsec",
                             "_minutes", "config", "settings", "policy"})) {
    return true;
  }
  const bool named = take_separator(text);
  if (!named) {
    skip_blanks(text);
    if (text.starts_with("(")) text.remove_prefix(1);
    for (const std::string_view filler : {"of ", "is ", "set to ", "to ", "value "}) {
      if (text.starts_with(filler)) text.remove_prefix(filler.size());
    }
  }
  const std::string_view value = first_value(text);
  if (named && any_equals(off, value)) return true;
  return is_duration(value) && !says_it_happened(text);
}

// error_log, ErrorHandler, on_error=continue, log_errors=On, panic_on_oops.
bool is_setting_name(const Context& c) {
  if (c.name.size() == c.word.size()) return false;
  static constexpr std::array<std::string_view, 22> names{
      "error_log",      "error-log",     "error_page",   "error-page",   "errordocument",  "error_reporting",
      "error_handler",  "error-handler", "error_file",   "error_path",   "error_level",    "error_threshold",
      "error_budget",   "error_topic",   "error_queue",  "log_errors",   "display_errors", "error_verbosity",
      "error_template", "errorlog",      "error_format", "error_channel"};
  if (std::ranges::any_of(names, [&](std::string_view name) { return c.name.find(name) != std::string_view::npos; })) return true;
  std::string_view text = c.after;
  if (!take_separator(text)) return false;
  if (c.name.starts_with("on_") || c.name.starts_with("on-") || c.name.find("_on_") != std::string_view::npos ||
      c.name.find("-on-") != std::string_view::npos)
    return true;
  return ends_with_any(c.name,
                       {"_limit", "_max", "_threshold", "_policy", "_mode",      "_enabled", "_interval", "_retries", "_dir",  "_path",
                        "_file",  "_url", "_level",     "-limit",  "-threshold", "-policy",  "-mode",     "-dir",     "-path", "-file"});
}

bool is_harmless_name(const Context& c) {
  static constexpr std::array<std::string_view, 10> names{"error-free", "errorfree",   "error-prone", "errorprone", "non-fatal",
                                                          "nonfatal",   "crashlytics", "hispanic",    "fail-safe",  "failover"};
  const bool longer = c.name.size() > c.word.size();
  if (longer && std::ranges::any_of(names, [&](std::string_view name) { return c.name.find(name) != std::string_view::npos; })) return true;
  if (!c.after.starts_with('.')) return false;
  for (const std::string_view suffix : {".log", ".html", ".htm", ".css", ".js", ".go:", ".h:", ".py"}) {
    if (c.after.starts_with(suffix)) return true;
  }
  return false;
}

}  // namespace

bool is_no_error(std::string_view line, std::size_t begin, std::size_t end) {
  const Context c(line, begin, end);
  return is_harmless_name(c) || is_negated_before(c.before) || is_zero_after(c.after) || is_timeout_setting(c) || is_setting_name(c);
}

}  // namespace telltale::pipeline
