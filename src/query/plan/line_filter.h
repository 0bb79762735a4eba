// Line filters, compiled: |= != |~ !~ on one line or over a whole batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/lang/ast.h"
#include "query/plan/literal.h"
#include "query/plan/regex.h"
#include "record/batch.h"

namespace telltale::query {

// One value of a filter: a literal, or a regular expression with the literal that its matches must hold, where one is known.
struct LineTest {
  LiteralFinder literal;                  // empty: nothing to look for first
  std::unique_ptr<const re2::RE2> regex;  // null: the literal is all

  bool has_literal() const { return !literal.needle().empty(); }
  bool holds(std::string_view line) const;
  // Of a line that holds the literal.
  bool regex_holds(std::string_view line) const;
};

// Immutable, thread-safe.
class CompiledLineFilter {
 public:
  static base::Result<CompiledLineFilter> make(const LineFilter& filter, const RegexCompiler& compiler);

  bool matches(std::string_view line) const;
  // False: no line within `text` can match.
  bool may_match_text(std::string_view text) const;
  // Takes the records out of `indices` (ascending) that do not match: at most one search through the batch's text per value.
  void keep_matching(const record::Batch& batch, std::vector<std::uint32_t>& indices) const;
  // Filters of lower cost come first.
  int cost() const;

 private:
  void keep_one_by_one(const record::Batch& batch, std::vector<std::uint32_t>& indices) const;
  void keep_by_cursors(const record::Batch& batch, std::vector<std::uint32_t>& indices) const;

  std::vector<LineTest> tests_;
  bool negative_ = false;
  bool all_literal_ = false;  // every test has a literal
  bool any_regex_ = false;
};

}  // namespace telltale::query
