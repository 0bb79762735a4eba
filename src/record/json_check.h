// Whether text may be put into JSON as it is.
#pragma once

#include <string_view>

namespace telltale::record {

// True for one complete JSON value (RFC 8259) in valid UTF-8, without line ends and nested at most 64 deep. Linear time, no allocation.
bool is_json_line(std::string_view text);

}  // namespace telltale::record
