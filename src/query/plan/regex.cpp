#include "query/plan/regex.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "query/lang/diagnostic.h"

namespace telltale::query {
namespace {

constexpr std::size_t most_bytes_each = 8 * 1024 * 1024;  // RE2's own default

}  // namespace

RegexCompiler::RegexCompiler(std::string_view query_text, std::size_t regexes)
    : query_text_(query_text),
      bytes_each_(static_cast<std::int64_t>(std::min(most_bytes_each, regex_memory_bytes / std::max<std::size_t>(regexes, 1)))) {}

base::Result<std::unique_ptr<const re2::RE2>> RegexCompiler::compile(const Text& pattern, RegexUse use) const {
  re2::RE2::Options options;
  options.set_max_mem(bytes_each_);
  options.set_log_errors(false);
  options.set_dot_nl(use == RegexUse::label);
  options.set_never_capture(true);
  auto regex = std::make_unique<const re2::RE2>(pattern.value, options);
  if (regex->ok()) return regex;
  return std::unexpected(
      error_at(base::ErrorCode::query_regex, query_text_, pattern.place.offset,
               fmt::format("the regular expression is not valid: {}", base::to_printable(base::to_valid_utf8(regex->error())))));
}

}  // namespace telltale::query
