// Go's escapes in interpreted strings (The Go Programming Language Specification, "Rune literals" and "String literals").
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace telltale::query {

// Reads the escape that begins with the backslash at text[at], appends what it stands for and returns its length; nothing when it is none.
std::optional<std::size_t> read_escape(std::string_view text, std::size_t at, std::string& out);

// "…" so that reading it again gives the same bytes.
void append_quoted(std::string& out, std::string_view text);

}  // namespace telltale::query
