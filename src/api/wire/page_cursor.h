// Cursors of lists that are paged by the name of their last entry: opaque to clients.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace telltale::api {

// `list` tells the lists apart, as in "runs"; an empty `last` gives an empty cursor.
std::string make_page_cursor(std::string_view list, std::string_view last);
// What was `last`; empty for an empty text. cursor_invalid for text that is no cursor of this list.
base::Result<std::string> read_page_cursor(std::string_view list, std::string_view text);

}  // namespace telltale::api
