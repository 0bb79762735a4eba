#include "reports/xml_text.h"

#include "base/text.h"

namespace telltale::reports {

namespace {

enum class Place : unsigned char { text, attribute };

// Tabs and line ends as references in attributes, where readers would make spaces of them; a lone CR would become a line end.
std::string_view escape_of(char c, Place place) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return place == Place::attribute ? "&quot;" : "\"";
    case '\n':
      return place == Place::attribute ? "&#10;" : "\n";
    case '\r':
      return "&#13;";
    case '\t':
      return place == Place::attribute ? "&#9;" : "\t";
    default:
      return {};
  }
}

void append_piece(std::string& out, std::string_view piece, Place place) {
  static constexpr std::string_view not_characters[] = {"\xEF\xBF\xBE", "\xEF\xBF\xBF"};
  for (std::size_t at = 0; at < piece.size(); ++at) {
    const std::string_view three = piece.substr(at, 3);
    if (three == not_characters[0] || three == not_characters[1]) {
      out += "\xEF\xBF\xBD";
      at += 2;
    } else if (const std::string_view escape = escape_of(piece[at], place); !escape.empty()) {
      out += escape;
    } else {
      out += piece[at];
    }
  }
}

void append(std::string& out, std::string_view text, Place place) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    append_piece(out, base::to_printable(text.substr(0, end)), place);
    text.remove_prefix(end);
    if (text.empty()) break;
    append_piece(out, text.substr(0, 1), place);
    text.remove_prefix(1);
  }
}

}  // namespace

void append_xml_text(std::string& out, std::string_view text) {
  append(out, text, Place::text);
}

void append_xml_attribute(std::string& out, std::string_view text) {
  append(out, text, Place::attribute);
}

}  // namespace telltale::reports
