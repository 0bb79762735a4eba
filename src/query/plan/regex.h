// RE2 with this product's limits and errors.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <re2/re2.h>

#include "base/error.h"
#include "query/lang/ast.h"

namespace telltale::query {

// Memory for all regular expressions of a query together: their programs and what matching caches. RE2 falls back to a slower way of
// matching when it is used up; an expression too large for its share is refused.
inline constexpr std::size_t regex_memory_bytes = 32 * 1024 * 1024;

enum class RegexUse : std::uint8_t { label, line };  // in labels . stands for a line end too (as in Prometheus)

// Compiles expressions of one query text.
class RegexCompiler {
 public:
  // `regexes`: how many the query has; they share the memory.
  RegexCompiler(std::string_view query_text, std::size_t regexes);
  // query_regex, with the place and RE2's own words. The result is immutable and thread-safe.
  base::Result<std::unique_ptr<const re2::RE2>> compile(const Text& pattern, RegexUse use) const;

 private:
  std::string_view query_text_;
  std::int64_t bytes_each_;
};

}  // namespace telltale::query
