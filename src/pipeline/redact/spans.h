// Spans of a line that are taken out, and what is put in their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/redact/rule.h"

namespace telltale::pipeline {

// Sorts and joins spans that overlap (the one that begins first names the whole; of equal ones the lower rule), drops those inside a
// [REDACTED:...] that is there already, and widens those that would cut one.
void merge_spans(std::string_view line, std::vector<SecretSpan>& spans);

// [REDACTED:rule], in quotes where the span wants them.
void append_marker(std::string& out, std::string_view rule, std::uint8_t quotes);

// Whether the digits stand bare as the value of a JSON member, so that text in their place needs quotes.
bool bare_json_number(std::string_view line, std::size_t begin, std::size_t end);

}  // namespace telltale::pipeline
