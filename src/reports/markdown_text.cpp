#include "reports/markdown_text.h"

#include <algorithm>

#include "base/text.h"

namespace telltale::reports {

namespace {

std::size_t longest_backtick_run(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

// A pipe divides cells even in a code span, unless an odd number of backslashes stands before it.
std::string escape_pipes(std::string_view text) {
  std::string out;
  std::size_t backslashes = 0;
  for (const char c : text) {
    if (c == '|') out += backslashes % 2 == 0 ? "\\" : "\\\\";
    out += c;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  // The span's end must not be escaped for readers that look for pipes first.
  if (backslashes % 2 == 1) out += ' ';
  return out;
}

}  // namespace

std::string code_span(std::string_view text) {
  if (text.empty()) return "–";
  const std::string inside = escape_pipes(base::to_printable(text));
  const std::string fence(longest_backtick_run(inside) + 1, '`');
  const bool pad = fence.size() > 1 || inside.front() == ' ' || inside.back() == ' ';
  return pad ? fence + ' ' + inside + ' ' + fence : fence + inside + fence;
}

}  // namespace telltale::reports
