#include "query/plan/regex_literal.h"

#include <cstddef>
#include <optional>

namespace telltale::query {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Walks over the outermost sequence and keeps the longest run of plain characters. Gives up (false) at what it does not know for sure.
class Walker {
 public:
  explicit Walker(std::string_view pattern) : pattern_(pattern) {}

  bool walk() {
    while (at_ < pattern_.size()) {
      if (!step()) return false;
    }
    end_run();
    return true;
  }
  RegexLiteral result() { return {std::move(best_), only_literals_}; }

 private:
  bool step() {
    const char c = pattern_[at_];
    switch (c) {
      case '|':
        return false;
      case '\\':
        return escape();
      case '(':
        return group();
      case '[':
        return char_class();
      case '{':
        return repetition();
      case '*':
      case '?':
        drop_last_character();
        return special();
      case '+':
      case '.':
      case '^':
      case '$':
        return special();
      default:
        run_.push_back(c);
        ++at_;
        return true;
    }
  }

  bool special() {
    ++at_;
    only_literals_ = false;
    end_run();
    return true;
  }

  void end_run() {
    if (run_.size() > best_.size()) best_ = run_;
    run_.clear();
  }

  void drop_last_character() {
    while (!run_.empty() && (static_cast<unsigned char>(run_.back()) & 0xC0u) == 0x80u) run_.pop_back();
    if (!run_.empty()) run_.pop_back();
  }

  bool escape() {
    if (at_ + 1 >= pattern_.size()) return false;
    const char c = pattern_[at_ + 1];
    if (!is_letter(c) && !is_digit(c)) {
      run_.push_back(c);
      at_ += 2;
      return true;
    }
    constexpr std::string_view one_letter = "dDsSwWbBAzntrfva";
    if (one_letter.find(c) == std::string_view::npos) return false;
    ++at_;
    return special();
  }

  bool repetition() {
    std::size_t end = at_ + 1;
    while (end < pattern_.size() && (is_digit(pattern_[end]) || pattern_[end] == ',')) ++end;
    if (end == at_ + 1 || end >= pattern_.size() || pattern_[end] != '}') return false;
    drop_last_character();
    at_ = end;
    return special();
  }

  // Skips [...]; at_ stands on the bracket. A class of POSIX's ([:alpha:]) is a class inside.
  bool char_class() {
    std::size_t at = at_ + 1;
    if (at < pattern_.size() && pattern_[at] == '^') ++at;
    if (at < pattern_.size() && pattern_[at] == ']') ++at;
    for (; at < pattern_.size(); ++at) {
      if (pattern_[at] == ']') {
        at_ = at;
        return special();
      }
      if (pattern_[at] == '[') return false;
      if (pattern_[at] == '\\' && !skip_plain_escape(at)) return false;
    }
    return false;
  }

  bool skip_plain_escape(std::size_t& at) const {
    ++at;
    return at < pattern_.size() && pattern_[at] != 'Q';
  }

  // Skips (...); flags such as (?i) may change what stands behind them.
  bool group() {
    if (!plain_group(at_)) return false;
    end_run();
    std::size_t depth = 0;
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        if (!skip_plain_escape(at_)) return false;
      } else if (c == '[') {
        if (!char_class()) return false;
        continue;
      } else if (c == '(') {
        if (!plain_group(at_)) return false;
        ++depth;
      } else if (c == ')' && --depth == 0) {
        return special();
      }
      ++at_;
    }
    return false;
  }

  bool plain_group(std::size_t at) const {
    const std::string_view rest = pattern_.substr(at);
    return !rest.starts_with("(?") || rest.starts_with("(?:") || rest.starts_with("(?P<");
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string run_;
  std::string best_;
  bool only_literals_ = true;
};

}  // namespace

RegexLiteral required_literal(std::string_view pattern) {
  Walker walker(pattern);
  if (!walker.walk()) return {};
  return walker.result();
}

}  // namespace telltale::query
