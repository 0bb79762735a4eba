#include "query/lang/parser.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "query/lang/diagnostic.h"
#include "query/lang/lexer.h"
#include "query/lang/words.h"

namespace telltale::query {
namespace {

using base::Error;
using base::ErrorCode;

// Recursive descent with one token of look-ahead. The first error is kept in error_ and ends the reading: every step returns false then.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), lexer_(text) {}

  base::Result<Query> run() {
    if (read_query()) return std::move(query_);
    return std::unexpected(std::move(*error_));
  }

 private:
  bool read_query();
  bool read_selector();
  bool read_pipeline();
  bool read_stage();
  bool read_line_filter(MatchOp op);
  // A condition of the selector or after a pipe; the name is the current token.
  bool read_condition(std::optional<Condition>& out);
  bool read_severity(std::optional<Condition>& out);
  bool read_label(std::optional<Condition>& out);
  bool check_value(const LabelMatcher& matcher);
  bool read_text(Text& out, std::string_view expected);

  bool at(TokenKind kind) const { return token_.kind == kind; }
  bool at_word(std::string_view word) const { return at(TokenKind::identifier) && token_.source == word; }
  bool next();
  bool count_matcher();
  std::string found() const;
  bool expected(std::string_view what, std::string_view remedy = {});
  bool unsupported(std::string_view what);
  bool fail_here(ErrorCode code, std::string_view what, std::string_view remedy = {});

  std::string_view text_;
  Lexer lexer_;
  Token token_;
  Query query_;
  std::size_t matchers_ = 0;
  std::optional<Error> error_;
};

bool Parser::next() {
  auto token = lexer_.next();
  if (token) {
    token_ = std::move(*token);
    return true;
  }
  error_ = std::move(token.error());
  return false;
}

std::string Parser::found() const {
  if (at(TokenKind::end)) return "the end of the query";
  constexpr std::size_t longest = 40;
  std::string source = base::to_printable(base::to_valid_utf8(token_.source.substr(0, longest)));
  return token_.source.size() > longest ? source + "…" : source;
}

bool Parser::fail_here(ErrorCode code, std::string_view what, std::string_view remedy) {
  error_ = error_at(code, text_, token_.offset, what, remedy);
  return false;
}

bool Parser::expected(std::string_view what, std::string_view remedy) {
  return fail_here(ErrorCode::query_syntax, fmt::format("found {}, expected {}", found(), what), remedy);
}

bool Parser::unsupported(std::string_view what) {
  return fail_here(ErrorCode::query_unsupported, fmt::format("{} is not supported", what));
}

bool Parser::count_matcher() {
  if (++matchers_ <= max_query_matchers) return true;
  return fail_here(ErrorCode::query_syntax, fmt::format("found more than {} matchers and filter values", max_query_matchers),
                   "Join values into one regular expression, as in =~\"a|b\".");
}

bool Parser::read_query() {
  if (!next()) return false;
  if (at(TokenKind::identifier) && is_metric_function(token_.source))
    return unsupported(fmt::format("the metric function {}", token_.source));
  if (!at(TokenKind::brace_open)) return expected("a stream selector such as {service=\"api\"}, or {} for all streams");
  return read_selector() && read_pipeline();
}

bool Parser::read_selector() {
  if (!next()) return false;
  while (!at(TokenKind::brace_close)) {
    std::optional<Condition> condition;
    if (!at(TokenKind::identifier)) return expected(query_.selector.empty() ? "a label's name or }" : "a label's name");
    if (!read_condition(condition)) return false;
    query_.selector.push_back(std::move(*condition));
    if (at(TokenKind::brace_close)) break;
    if (!at(TokenKind::comma)) return expected(", or }");
    if (!next()) return false;
  }
  return next();
}

bool Parser::read_pipeline() {
  for (;;) {
    switch (token_.kind) {
      case TokenKind::end:
        return true;
      case TokenKind::pipe_equal:
        if (!read_line_filter(MatchOp::equal)) return false;
        break;
      case TokenKind::not_equal:
        if (!read_line_filter(MatchOp::not_equal)) return false;
        break;
      case TokenKind::pipe_regex:
        if (!read_line_filter(MatchOp::regex)) return false;
        break;
      case TokenKind::not_regex:
        if (!read_line_filter(MatchOp::not_regex)) return false;
        break;
      case TokenKind::pipe:
        if (!read_stage()) return false;
        break;
      case TokenKind::pipe_pattern:
      case TokenKind::not_pattern:
        return unsupported(fmt::format("the pattern filter {}", token_.source));
      case TokenKind::bracket_open:
        return unsupported("a range such as [5m]");
      default:
        return expected("|= != |~ !~, | severity >= …, or the end of the query");
    }
  }
}

bool Parser::read_line_filter(MatchOp op) {
  LineFilter filter;
  filter.op = op;
  do {
    if (!next()) return false;
    if (at_word("ip")) return unsupported("the line filter ip()");
    Text value;
    if (!count_matcher() || !read_text(value, "a text between \" and \" or ` and `")) return false;
    filter.values.push_back(std::move(value));
  } while (at_word("or"));
  query_.stages.emplace_back(std::move(filter));
  return true;
}

bool Parser::read_stage() {
  if (!next()) return false;
  if (!at(TokenKind::identifier)) return expected("a filter such as severity >= error after |");
  if (is_unsupported_stage(token_.source)) return unsupported(fmt::format("the stage | {}", token_.source));
  std::optional<Condition> condition;
  if (!read_condition(condition)) return false;
  std::visit([this](auto& value) { query_.stages.emplace_back(std::move(value)); }, *condition);
  if (at_word("and") || at_word("or") || at(TokenKind::comma)) {
    return unsupported(fmt::format("{} between label filters", token_.source));
  }
  return true;
}

bool Parser::read_condition(std::optional<Condition>& out) {
  if (!count_matcher()) return false;
  if (is_reserved_label(token_.source)) return unsupported(fmt::format("the computed label {}", token_.source));
  return token_.source == "severity" ? read_severity(out) : read_label(out);
}

std::optional<OrderOp> order_op(TokenKind kind) {
  switch (kind) {
    case TokenKind::equal:
    case TokenKind::double_equal:
      return OrderOp::equal;
    case TokenKind::not_equal:
      return OrderOp::not_equal;
    case TokenKind::less:
      return OrderOp::less;
    case TokenKind::less_equal:
      return OrderOp::less_equal;
    case TokenKind::greater:
      return OrderOp::greater;
    case TokenKind::greater_equal:
      return OrderOp::greater_equal;
    default:
      return std::nullopt;
  }
}

bool Parser::read_severity(std::optional<Condition>& out) {
  if (!next()) return false;
  const auto op = order_op(token_.kind);
  if (!op) {
    return expected("= != > >= < or <= after severity", at(TokenKind::regex) || at(TokenKind::not_regex)
                                                            ? "For a regular expression use the label level, as in level=~\"warn|error\"."
                                                            : "");
  }
  if (!next()) return false;
  const bool quoted = at(TokenKind::text);
  const auto range = quoted || at(TokenKind::identifier) || at(TokenKind::number)
                         ? severity_range(quoted ? std::string_view(token_.value) : token_.source)
                         : std::nullopt;
  if (!range) return expected("a severity: trace debug info warn error fatal unset, or a number from 0 to 24");
  out = SeverityFilter{*op, range->first, range->second};
  return next();
}

std::optional<MatchOp> match_op(TokenKind kind) {
  switch (kind) {
    case TokenKind::equal:
    case TokenKind::double_equal:
      return MatchOp::equal;
    case TokenKind::not_equal:
      return MatchOp::not_equal;
    case TokenKind::regex:
      return MatchOp::regex;
    case TokenKind::not_regex:
      return MatchOp::not_regex;
    default:
      return std::nullopt;
  }
}

bool Parser::read_label(std::optional<Condition>& out) {
  LabelMatcher matcher;
  matcher.name = token_.source;
  matcher.place.offset = token_.offset;
  if (!next()) return false;
  const auto op = match_op(token_.kind);
  if (!op) {
    if (order_op(token_.kind)) return unsupported(fmt::format("comparing the label {} with {}", matcher.name, token_.source));
    return expected(fmt::format("= != =~ or !~ after the label {}", matcher.name));
  }
  matcher.op = *op;
  if (!next() || !read_text(matcher.value, fmt::format("a text between \" and \" as the value of {}", matcher.name)) ||
      !check_value(matcher)) {
    return false;
  }
  out = std::move(matcher);
  return true;
}

// A value that a computed label never has would match nothing without a word.
bool Parser::check_value(const LabelMatcher& matcher) {
  const auto computed = computed_label(matcher.name);
  if (!computed || is_regex(matcher.op)) return true;
  std::string_view allowed;
  if (*computed == ComputedLabel::level && !is_level_name(matcher.value.value)) allowed = level_names;
  if (*computed == ComputedLabel::error && matcher.value.value != "true" && matcher.value.value != "false") allowed = "true false";
  if (allowed.empty()) return true;
  error_ = error_at(ErrorCode::query_syntax, text_, matcher.value.place.offset,
                    fmt::format("found another value, expected for the label {} one of: {}", matcher.name, allowed));
  return false;
}

bool Parser::read_text(Text& out, std::string_view what) {
  if (!at(TokenKind::text)) return expected(what);
  out.value = std::move(token_.value);
  out.place.offset = token_.offset;
  return next();
}

}  // namespace

base::Result<Query> parse(std::string_view text) {
  if (text.size() > max_query_bytes) {
    return base::fail(ErrorCode::query_syntax, fmt::format("the query has {} bytes, expected at most {}", text.size(), max_query_bytes),
                      "Shorten it, or split it into several queries.");
  }
  return Parser(text).run();
}

}  // namespace telltale::query
