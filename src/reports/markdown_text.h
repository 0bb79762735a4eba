// Foreign text within Markdown (CommonMark with GitHub's tables).
#pragma once

#include <string>
#include <string_view>

namespace telltale::reports {

// `text` as a code span for one cell of a table: on one line, control characters as \xNN, never ending the span or the cell. "–" when
// it is empty. Code spans keep markup, links, mentions and HTML from meaning anything.
std::string code_span(std::string_view text);

}  // namespace telltale::reports
