// Finds a byte string in much text: one pass over a whole batch is what a line filter costs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace telltale::query {

// Case-sensitive. Immutable, thread-safe. Time is linear in the text (times a small constant for needles up to 256 bytes).
class LiteralFinder {
 public:
  LiteralFinder() = default;
  explicit LiteralFinder(std::string needle);

  // Offset of the first occurrence at or after `from`; npos: none. An empty needle is found everywhere.
  std::size_t find(std::string_view text, std::size_t from = 0) const;
  const std::string& needle() const { return needle_; }

  static constexpr std::size_t npos = std::string_view::npos;

 private:
  std::string needle_;
  // The needle's two bytes that are least common in logs: both must stand right before the rest is compared.
  std::size_t rare_ = 0;
  std::size_t second_ = 0;
  bool use_avx2_ = false;
};

// Asks in ascending order whether parts of one text hold a literal; all answers together cost one search through the text.
class LiteralCursor {
 public:
  LiteralCursor(const LiteralFinder& finder, std::string_view text) : finder_(&finder), text_(text), hit_(finder.find(text)) {}

  // True when text[begin, end) holds the literal. Also right, but slower, when `begin` is below an earlier one.
  bool in(std::size_t begin, std::size_t end) {
    if (begin < from_ || hit_ < begin) {
      hit_ = finder_->find(text_, begin);
      from_ = begin;
    }
    return hit_ != LiteralFinder::npos && hit_ + finder_->needle().size() <= end;
  }
  // False: the text does not hold the literal at all (asked before any in()).
  bool anywhere() const { return hit_ != LiteralFinder::npos; }

 private:
  const LiteralFinder* finder_;
  std::string_view text_;
  std::size_t from_ = 0;
  std::size_t hit_;  // the first occurrence at or after from_
};

}  // namespace telltale::query
