#include "pipeline/parse/plain_head.h"

#include <algorithm>
#include <optional>

namespace telltale::pipeline {

using record::Severity;

namespace {

// The head of a line is short; what is behind it is the message.
constexpr std::size_t head_reach = 160;
constexpr int most_words = 6;
constexpr std::size_t longest_bracket = 64;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ESC [ … m, a colour; 0 when there is none.
std::size_t colour_size(std::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
  std::size_t size = 2;
  while (size < text.size() && size < 16 && (is_digit(text[size]) || text[size] == ';')) ++size;
  return size < text.size() && text[size] == 'm' ? size + 1 : 0;
}

// Words that are levels wherever a level may stand; in capitals record::parse_severity knows more of them.
bool is_plain_level(std::string_view word) {
  static constexpr std::string_view levels[] = {"trace", "debug", "info",   "warn",        "warning", "error",  "critical",
                                                "err",   "crit",  "notice", "information", "fatal",   "severe", "verbose",
                                                "panic", "alert", "emerg",  "emergency",   "fail",    "dbug",   "trce"};
  return std::any_of(std::begin(levels), std::end(levels), [word](std::string_view level) {
    return level.size() == word.size() &&
           std::equal(level.begin(), level.end(), word.begin(), [](char a, char b) { return a == (b | 0x20); });
  });
}

class HeadReader {
 public:
  HeadReader(std::string_view text, std::size_t at, bool behind_time)
      : text_(text.substr(0, at + head_reach)), at_(at), behind_time_(behind_time), names_left_(behind_time ? 2 : 0) {}

  HeadLevel read() {
    for (int words = 0; words < most_words; ++words) {
      at_ = skip_separators(text_, at_);
      if (at_ >= text_.size()) break;
      const bool found = text_[at_] == '[' || text_[at_] == '(' ? read_bracket() : read_word(words == 0);
      if (found) return level_;
      if (done_) break;
    }
    return {};
  }

 private:
  // [ERROR], [core:error], [ERROR/MainProcess], [main]
  bool read_bracket() {
    const char close = text_[at_] == '[' ? ']' : ')';
    const std::size_t end = text_.substr(0, at_ + longest_bracket).find(close, at_ + 1);
    if (end == std::string_view::npos) {
      done_ = true;
      return false;
    }
    std::size_t begin = at_ + 1;
    const std::string_view inside = text_.substr(begin, end - begin);
    if (const std::size_t colon = inside.rfind(':'); colon != std::string_view::npos) begin += colon + 1;
    while (begin < end && text_[begin] == ' ') ++begin;
    std::size_t size = 0;
    while (begin + size < end && is_letter(text_[begin + size])) ++size;
    const char next = text_[begin + size];
    at_ = end + 1;
    return size > 0 && (next == close || next == ' ' || next == '/') && accept(begin, size);
  }

  bool read_word(bool first) {
    std::size_t size = 0;
    while (at_ + size < text_.size() && is_letter(text_[at_ + size])) ++size;
    if (size >= 3 && is_level_here(at_, size, first)) {
      const std::size_t begin = at_;
      at_ += size;
      return accept(begin, size);
    }
    pass_word();
    return false;
  }

  bool is_level_here(std::size_t begin, std::size_t size, bool first) const {
    const std::string_view word = text_.substr(begin, size);
    const char next = begin + size < text_.size() ? text_[begin + size] : ' ';
    if (is_digit(next) || next == '_' || next == '.' || next == '-' || next == '=' || next == '\'') return false;
    const bool capitals = std::all_of(word.begin(), word.end(), is_capital);
    if (capitals) return true;
    const bool delimited = next == ':' || next == '|' || next == '\t' || (first && behind_time_ && next == ' ') ||
                           text_.substr(begin + size).starts_with(" |");
    return delimited && is_plain_level(word);
  }

  bool accept(std::size_t begin, std::size_t size) {
    const std::optional<Severity> severity = record::parse_severity(text_.substr(begin, size));
    if (!severity) return false;
    level_ = {*severity, begin, size, skip_rest_of_bracket(at_), adjacent_};
    return true;
  }

  // "[… : ERROR/Worker-1] text": the bracket of the time closes behind the level.
  std::size_t skip_rest_of_bracket(std::size_t at) const {
    if (at < text_.size() && text_[at] == '/') {
      const std::size_t close = text_.find(']', at);
      if (close != std::string_view::npos) at = close + 1;
    } else if (at < text_.size() && text_[at] == ']') {
      ++at;
    }
    return skip_separators(text_, at);
  }

  // Numbers (a process, a thread) are passed freely, names (a logger, a module) as long as there may be any.
  void pass_word() {
    const std::size_t begin = at_;
    bool number = true;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '|') {
      number &= is_digit(text_[at_]) || text_[at_] == '#' || text_[at_] == ':';
      ++at_;
    }
    if (at_ == begin) ++at_;
    if (number) return;
    adjacent_ = false;
    if (names_left_-- == 0) done_ = true;
  }

  std::string_view text_;
  std::size_t at_;
  const bool behind_time_;
  int names_left_;
  bool adjacent_ = true;
  bool done_ = false;
  HeadLevel level_;
};

}  // namespace

std::size_t skip_separators(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '|' || c == ':' || c == ',') {
      ++at;
    } else if (c == '-' && (at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '-')) {
      ++at;
    } else if (const std::size_t colour = c == '\x1b' ? colour_size(text.substr(at)) : 0; colour != 0) {
      at += colour;
    } else {
      break;
    }
  }
  return at;
}

HeadLevel find_head_level(std::string_view text, std::size_t at, bool behind_time) {
  return HeadReader(text, at, behind_time).read();
}

}  // namespace telltale::pipeline
