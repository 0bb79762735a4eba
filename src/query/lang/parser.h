// Text to query: LogQL's log queries, as far as docs/reference/query.md says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/lang/ast.h"

namespace telltale::query {

inline constexpr std::size_t max_query_bytes = 64 * 1024;
inline constexpr std::size_t max_query_matchers = 200;  // label matchers, severity filters and values of line filters together

// query_syntax: the cause names the column, what was found and what was expected; query_unsupported: it names the part of LogQL that
// this version does not have. The remedy shows the place. Pure; time and memory are linear in the text.
base::Result<Query> parse(std::string_view text);

// The query in one canonical line; parse() of it gives an equal query.
std::string to_text(const Query& query);

}  // namespace telltale::query
