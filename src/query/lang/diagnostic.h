// Errors that point into a query's text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace telltale::query {

// "column 7", or "line 2, column 7" where the text has several lines. Both count from 1, columns in characters.
std::string place_name(std::string_view text, std::size_t offset);

// The line of `text` that holds `offset` (shortened around it when it is long) and a second line with a caret under the place.
std::string caret_lines(std::string_view text, std::size_t offset);

// cause: "column 7: WHAT"; remedy: the sentence, then the caret lines. `remedy` empty: the code's own.
base::Error error_at(base::ErrorCode code, std::string_view text, std::size_t offset, std::string_view what, std::string_view remedy = {});

}  // namespace telltale::query
