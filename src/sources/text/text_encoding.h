// How a file's text is written, as its first bytes say (its byte order mark), and its text as UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telltale::sources {

enum class TextEncoding : std::uint8_t {
  bytes,     // no mark: UTF-8, or anything else whose lines end with a byte of value 10
  utf8,      // with a mark: EF BB BF
  utf16_le,  // FF FE
  utf16_be,  // FE FF
};

// Of the file that begins with `head`.
TextEncoding encoding_of(std::string_view head);
// Bytes of a code unit: 1 or 2.
std::size_t unit_of(TextEncoding encoding);
// The mark; empty where there is none.
std::string_view mark_of_encoding(TextEncoding encoding);
// A line's end.
std::string_view line_end_of(TextEncoding encoding);

// What stands before bytes in which line ends are looked for: units may be cut.
struct Seam {
  bool odd = false;  // an odd number of bytes since a unit's beginning
  char last = '\0';  // the last of them
};
// Place behind the first, or the last, line end in `text`; npos: none ends there.
std::size_t find_line_end(TextEncoding encoding, std::string_view text, Seam seam = {});
std::size_t find_last_line_end(TextEncoding encoding, std::string_view text, Seam seam = {});

// `source` begins at a unit's beginning; where it begins the file (`at_start`) its mark is left out. Nothing is lost: a surrogate without
// its other half becomes the three bytes that it would be by itself (which are no valid UTF-8), half a unit at the end stays as it is.
std::string to_utf8(TextEncoding encoding, std::string_view source, bool at_start);
// The bytes of the file that to_utf8() made `text` from. Of anything else: something.
std::string from_utf8(TextEncoding encoding, std::string_view text, bool at_start);
// Without a character that was cut at the end; for text that is cut at a limit. `source` begins at a unit's beginning.
std::string_view without_cut_character(TextEncoding encoding, std::string_view source);

}  // namespace telltale::sources
