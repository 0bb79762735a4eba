// Text within XML 1.0.
#pragma once

#include <string>
#include <string_view>

namespace telltale::reports {

// Append `text` as the content of an element or of a double-quoted attribute. Line ends and tabs stay what they are; other control
// characters, which XML cannot hold, and invalid UTF-8 are written as \xNN, U+FFFE and U+FFFF as U+FFFD.
void append_xml_text(std::string& out, std::string_view text);
void append_xml_attribute(std::string& out, std::string_view text);

}  // namespace telltale::reports
