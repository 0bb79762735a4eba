// A query as plain data: what the parser makes, the printer writes and the planner compiles.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace telltale::query {

// Where something stands in the query's text. It is no part of what the query says: two queries are equal wherever their parts stand.
struct Place {
  std::uint32_t offset = 0;  // in bytes
  friend bool operator==(Place, Place) { return true; }
};

// = != =~ !~ for labels; |= != |~ !~ for lines, where `equal` reads "contains".
enum class MatchOp : std::uint8_t { equal, not_equal, regex, not_regex };

constexpr bool is_regex(MatchOp op) {
  return op == MatchOp::regex || op == MatchOp::not_regex;
}
constexpr bool is_negative(MatchOp op) {
  return op == MatchOp::not_equal || op == MatchOp::not_regex;
}

enum class OrderOp : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

// A quoted text of the query, unescaped.
struct Text {
  std::string value;
  Place place;
  bool operator==(const Text&) const = default;
};

// service="api", level=~"warn|error": a label of the stream, or a computed one (see computed_label).
struct LabelMatcher {
  std::string name;
  MatchOp op = MatchOp::equal;
  Text value;
  Place place;
  bool operator==(const LabelMatcher&) const = default;
};

// severity >= warn. A name stands for its range of OpenTelemetry numbers (warn: 13 to 16), a number for itself.
struct SeverityFilter {
  OrderOp op = OrderOp::equal;
  std::uint8_t low = 0;
  std::uint8_t high = 0;
  bool operator==(const SeverityFilter&) const = default;
};

// |= "a" or "b": of several values one is enough; negated (!= "a" or "b"): none of them.
struct LineFilter {
  MatchOp op = MatchOp::equal;
  std::vector<Text> values;  // at least one
  bool operator==(const LineFilter&) const = default;
};

using Condition = std::variant<LabelMatcher, SeverityFilter>;
using Stage = std::variant<LineFilter, LabelMatcher, SeverityFilter>;

// All conditions and all stages hold for a record that matches.
struct Query {
  std::vector<Condition> selector;
  std::vector<Stage> stages;
  bool operator==(const Query&) const = default;
};

}  // namespace telltale::query
