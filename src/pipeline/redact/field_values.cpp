#include "pipeline/redact/field_values.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace telltale::pipeline {
namespace {

constexpr std::size_t longest_name = 96;
constexpr std::size_t longest_gap = 16;
constexpr std::size_t longest_id = 512;  // values that are refused must be short, so that looking for many stays linear

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name(char c) {
  return in_chars(Chars::alnum, c) || c == '_' || c == '-' || c == '.';
}
bool is_space(char c) {
  return c == ' ' || c == '\t';
}
bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}
bool is_quote(char c) {
  return c == '"' || c == '\'';
}

// A quote with the backslashes before it, as in \" inside a JSON string.
struct Quote {
  char mark = 0;
  std::size_t backslashes = 0;
  std::size_t size() const { return backslashes + 1; }
};
std::optional<Quote> quote_at(std::string_view line, std::size_t at) {
  std::size_t i = at;
  while (i < line.size() && line[i] == '\\' && i - at < longest_gap) ++i;
  if (i >= line.size() || !is_quote(line[i])) return std::nullopt;
  return Quote{line[i], i - at};
}

// The place of the quote that closes what `open` opened, or the line's end. A quote with more backslashes than `open` stands inside.
std::size_t closing_quote(std::string_view line, std::size_t at, const Quote& open) {
  std::size_t run = 0;
  for (; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++run;
      continue;
    }
    if (line[at] == open.mark) {
      if (open.backslashes == 0 ? run % 2 == 0 : run <= open.backslashes) return at - (open.backslashes == 0 ? 0 : run);
    }
    run = 0;
  }
  return line.size();
}

enum class Separator : std::uint8_t { none, equals, colon, blank };

struct Place {
  std::string_view name;
  std::size_t name_begin = 0;
  std::optional<Quote> name_quote;
  Separator separator = Separator::none;
  std::size_t value = 0;  // where it begins
};

Separator take_separator(std::string_view line, std::size_t& at) {
  const auto next = [&](std::size_t i) { return at + i < line.size() ? line[at + i] : '\0'; };
  if (next(0) == '=' && next(1) == '>') return at += 2, Separator::colon;
  if (next(0) == ':' && next(1) == '=') return at += 2, Separator::equals;
  if (next(0) == '=' && next(1) != '=' && next(1) != '~') return at += 1, Separator::equals;
  if (next(0) == '%' && next(1) == '3' && (next(2) == 'D' || next(2) == 'd')) return at += 3, Separator::equals;
  if (next(0) == ':' && next(1) != ':' && !(next(1) == '/' && next(2) == '/')) return at += 1, Separator::colon;
  return Separator::none;
}

// The field around the keyword: its whole name, the separator after it and where the value begins.
std::optional<Place> place_of(std::string_view line, std::size_t hit_begin, std::size_t hit_end) {
  Place place;
  std::size_t begin = hit_begin;
  std::size_t end = hit_end;
  while (begin > 0 && is_name(line[begin - 1]) && hit_begin - begin < longest_name) --begin;
  while (end < line.size() && is_name(line[end]) && end - hit_end < longest_name) ++end;
  place.name = line.substr(begin, end - begin);
  place.name_begin = begin;
  std::size_t at = end;
  place.name_quote = quote_at(line, at);
  if (place.name_quote) {
    at += place.name_quote->size();
  } else if (at < line.size() && line[at] == ']' && begin > 0 && line[begin - 1] == '[') {
    ++at;
  } else if (line.substr(at, 3) == "%5D" || line.substr(at, 3) == "%5d") {
    at += 3;
  }
  const std::size_t gap = at;
  while (at < line.size() && is_space(line[at]) && at - gap < longest_gap) ++at;
  place.separator = take_separator(line, at);
  if (place.separator == Separator::none) {
    if (at == gap || !place.name.starts_with("--")) return std::nullopt;
    place.separator = Separator::blank;
  }
  const std::size_t after = at;
  while (at < line.size() && is_space(line[at]) && at - after < longest_gap) ++at;
  place.value = at;
  return place;
}

bool is_count(std::string_view value) {
  return value.size() < 8 && std::ranges::all_of(value, [](char c) { return is_digit(c) || c == '.' || c == '-'; });
}

// Words that follow "password:" or "token:" in a sentence.
bool is_prose(std::string_view value) {
  static constexpr std::array<std::string_view, 36> words{
      "incorrect", "invalid", "expired", "missing",  "required", "not",   "is",      "was",      "failed",  "wrong", "empty",  "unknown",
      "mismatch",  "changed", "reset",   "must",     "cannot",   "the",   "a",       "an",       "too",     "no",    "error",  "unable",
      "could",     "can't",   "does",    "expected", "denied",   "found", "created", "rejected", "revoked", "need",  "please", "ok"};
  while (!value.empty() && !in_chars(Chars::alnum, value.back())) value.remove_suffix(1);
  return std::ranges::any_of(words, [&](std::string_view word) { return base::equals_ignoring_case(word, value); });
}

bool looks_like_id(std::string_view value) {
  return value.size() >= 8 && std::ranges::any_of(value, is_digit);
}

// Whether a separator at `at` ends a value: what follows is the line's end, a space, or another name with its separator.
bool separator_ends(std::string_view line, std::size_t at) {
  std::size_t i = at + 1;
  if (i >= line.size() || is_space(line[i]) || is_line_end(line[i]) || is_quote(line[i])) return true;
  const std::size_t begin = i;
  while (i < line.size() && (is_name(line[i]) || line[i] == '[' || line[i] == ']') && i - begin < longest_name) ++i;
  return i > begin && i < line.size() && (line[i] == '=' || line[i] == ':');
}

bool escape_ends(std::string_view line, std::size_t at) {
  const char next = at + 1 < line.size() ? line[at + 1] : '\0';
  return next == 'n' || next == 't' || next == 'r' || is_quote(next) || (next == '\\' && quote_at(line, at)) ||
         line.substr(at, 4) == "\\u00";
}

// Where the markers that stand at `at` end, if there are any: the bracket of a marker ends no value.
std::size_t past_markers(std::string_view line, std::size_t at) {
  while (const std::size_t size = at < line.size() && line[at] == '[' ? marker_size(line.substr(at)) : 0) at += size;
  return at;
}

std::size_t word_end(std::string_view line, std::size_t at) {
  for (; at < line.size(); ++at) {
    at = past_markers(line, at);
    if (at == line.size()) break;
    const char c = line[at];
    if (is_space(c) || is_line_end(c) || is_quote(c) || c == '`' || c == '<' || c == '>' || c == '\x1b') break;
    if (c == '\\' && escape_ends(line, at)) break;
    if ((c == ',' || c == ';' || c == '&') && separator_ends(line, at)) break;
    if (c == '}' || c == ']' || c == ')') {
      const char next = at + 1 < line.size() ? line[at + 1] : ' ';
      if (!in_chars(Chars::alnum, next)) break;
    }
    if (c == '%' && line.substr(at, 3) == "%26") break;
  }
  return at;
}

// Whether another "Name:" follows.
bool header_follows(std::string_view line, std::size_t at) {
  while (at < line.size() && is_space(line[at])) ++at;
  const std::size_t begin = at;
  while (at < line.size() && is_name(line[at]) && at - begin < longest_name) ++at;
  return at > begin && at < line.size() && line[at] == ':';
}

std::size_t header_end(std::string_view line, const Place& place, std::size_t at, bool cookie) {
  const bool enclosed = place.name_begin > 0 && is_quote(line[place.name_begin - 1]);
  const char mark = enclosed ? line[place.name_begin - 1] : '"';
  for (; at < line.size(); ++at) {
    at = past_markers(line, at);
    if (at == line.size()) break;
    const char c = line[at];
    if (is_line_end(c) || c == mark) break;
    if (c == '\\' && at + 1 < line.size() && (line[at + 1] == 'n' || line[at + 1] == 'r' || line[at + 1] == mark)) break;
    if ((c == ',' || (c == ';' && !cookie)) && header_follows(line, at + 1)) break;
    if (c == '}' || c == ']') break;
  }
  while (at > place.value && (is_space(line[at - 1]) || line[at - 1] == '\\')) --at;
  return at;
}

class Finder {
 public:
  Finder(std::string_view line, const Place& place, FieldNames::Match match, bool cookie, std::vector<SecretSpan>& spans)
      : line_(line), place_(place), match_(match), cookie_(cookie), spans_(spans) {}

  void find() {
    if (place_.value >= line_.size()) return;
    if (const auto quote = quote_at(line_, place_.value)) {
      add_quoted(place_.value, *quote);
    } else if (line_[place_.value] == '[' && past_markers(line_, place_.value) == place_.value) {
      add_array();
    } else if (line_[place_.value] != '{' && line_[place_.value] != '(') {
      add_bare();
    }
  }

 private:
  bool is_json_name() const { return place_.name_quote && place_.name_quote->mark == '"' && place_.separator == Separator::colon; }

  bool is_secret(std::string_view value) const {
    if (is_placeholder(value)) return false;
    return match_.value != FieldValue::id || looks_like_id(value);
  }

  void add(std::size_t begin, std::size_t end, std::uint8_t quotes = 0) {
    if (begin < end) spans_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), match_.rule, quotes});
  }

  std::size_t add_quoted(std::size_t at, const Quote& quote) {
    const std::size_t begin = at + quote.size();
    const std::size_t end = closing_quote(line_, begin, quote);
    if (is_secret(line_.substr(begin, end - begin))) add(begin, end);
    return std::min(line_.size(), end + quote.size());
  }

  // ["a", "b"], or [a b] as Go prints a list.
  void add_array() {
    std::size_t at = place_.value + 1;
    while (at < line_.size() && line_[at] != ']') {
      if (const auto quote = quote_at(line_, at)) {
        at = add_quoted(at, *quote);
      } else if (is_space(line_[at]) || line_[at] == ',') {
        ++at;
      } else if (is_json_name() || line_[at] == '{') {
        return;
      } else {
        const std::size_t begin = at;
        while (at < line_.size() && line_[at] != ']' && !is_line_end(line_[at]) && !is_quote(line_[at])) ++at;
        if (is_secret(line_.substr(begin, at - begin))) add(begin, at);
        return;
      }
    }
  }

  void add_bare() {
    const std::size_t begin = place_.value;
    if (match_.value == FieldValue::header && place_.separator == Separator::colon && !place_.name_quote) {
      const std::size_t first = word_end(line_, begin);
      if (is_prose(line_.substr(begin, first - begin))) return;
      const std::size_t end = header_end(line_, place_, begin, cookie_);
      if (is_secret(line_.substr(begin, end - begin))) add(begin, end);
      return;
    }
    // "Session: 42 began" is prose; session=... and "session_id: ..." are fields.
    if (match_.value == FieldValue::id && place_.separator == Separator::colon && !place_.name_quote &&
        place_.name.size() == std::string_view("session").size())
      return;
    const std::size_t most = match_.value == FieldValue::id ? begin + longest_id : line_.size();
    const std::size_t end = word_end(line_.substr(0, most), begin);
    const std::string_view value = line_.substr(begin, end - begin);
    if (!is_secret(value)) return;
    const bool number =
        std::ranges::all_of(value, [](char c) { return is_digit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'; });
    if (is_json_name()) {
      if (number && !is_short_count(value)) add(begin, end, static_cast<std::uint8_t>(1 + place_.name_quote->backslashes));
      return;
    }
    if (is_short_count(value) || is_working_folder(value)) return;
    if (place_.separator == Separator::colon && is_prose(value)) return;
    add(begin, end);
  }

  // Counts of tokens, sessions and credentials are no secrets; a password of digits is one.
  bool is_short_count(std::string_view value) const { return is_count(value) && !has_password_name(); }
  bool has_password_name() const { return base::to_lower(place_.name).find("passw") != std::string::npos; }
  // The shell's variables PWD and OLDPWD.
  bool is_working_folder(std::string_view value) const { return place_.name.ends_with("PWD") && value.starts_with('/'); }

  std::string_view line_;
  const Place& place_;
  FieldNames::Match match_;
  bool cookie_;
  std::vector<SecretSpan>& spans_;
};

// "unexpected token: x" is a parser's message.
bool is_parser_message(std::string_view line, const Place& place) {
  std::string_view before = line.substr(0, place.name_begin);
  while (!before.empty() && is_space(before.back())) before.remove_suffix(1);
  return before.ends_with("nexpected") || before.ends_with("expected");
}

}  // namespace

void find_field_values(std::string_view line, std::size_t hit_begin, std::size_t hit_end, const FieldNames& names,
                       std::vector<SecretSpan>& spans) {
  const std::optional<Place> place = place_of(line, hit_begin, hit_end);
  if (!place) return;
  const auto match = names.find(place->name);
  if (!match || is_parser_message(line, *place)) return;
  const bool cookie = place->name.ends_with("ookie") || place->name.ends_with("ookies") || place->name.ends_with("OOKIE");
  Finder(line, *place, *match, cookie, spans).find();
}

}  // namespace telltale::pipeline
