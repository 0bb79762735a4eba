#include <string>
#include <string_view>
#include <variant>

#include "query/lang/escapes.h"
#include "query/lang/parser.h"

namespace telltale::query {
namespace {

std::string_view label_op(MatchOp op) {
  constexpr std::string_view names[] = {"=", "!=", "=~", "!~"};
  return names[static_cast<std::size_t>(op)];
}

std::string_view line_op(MatchOp op) {
  constexpr std::string_view names[] = {"|=", "!=", "|~", "!~"};
  return names[static_cast<std::size_t>(op)];
}

std::string_view order_op(OrderOp op) {
  constexpr std::string_view names[] = {"=", "!=", "<", "<=", ">", ">="};
  return names[static_cast<std::size_t>(op)];
}

std::string severity_value(const SeverityFilter& filter) {
  if (filter.low == filter.high) return std::to_string(filter.low);
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "fatal"};
  return std::string(names[(filter.low - 1) / 4]);
}

struct Printer {
  std::string out;

  void operator()(const LabelMatcher& matcher) {
    out += matcher.name;
    out += label_op(matcher.op);
    append_quoted(out, matcher.value.value);
  }
  void operator()(const SeverityFilter& filter) {
    out += "severity";
    out += order_op(filter.op);
    out += severity_value(filter);
  }
  void operator()(const LineFilter& filter) {
    out += line_op(filter.op);
    std::string_view separator = " ";
    for (const Text& value : filter.values) {
      out += separator;
      append_quoted(out, value.value);
      separator = " or ";
    }
  }
};

}  // namespace

std::string to_text(const Query& query) {
  Printer printer;
  printer.out = "{";
  std::string_view separator;
  for (const Condition& condition : query.selector) {
    printer.out += separator;
    std::visit(printer, condition);
    separator = ", ";
  }
  printer.out += "}";
  for (const Stage& stage : query.stages) {
    printer.out += std::holds_alternative<LineFilter>(stage) ? " " : " | ";
    std::visit(printer, stage);
  }
  return std::move(printer.out);
}

}  // namespace telltale::query
