// Finds the value of a field whose name says that it is a secret: JSON (also inside JSON strings), logfmt, `key: value`, query strings,
// headers, command-line options, `name => value`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/redact/field_names.h"
#include "pipeline/redact/rule.h"

namespace telltale::pipeline {

// [hit_begin, hit_end) is where a keyword of the group stands in `line`, perhaps inside a longer name. Appends the value (the values of
// an array) unless it is a placeholder, a number that cannot be a secret, or prose. Looks at no more than the value.
void find_field_values(std::string_view line, std::size_t hit_begin, std::size_t hit_end, const FieldNames& names,
                       std::vector<SecretSpan>& spans);

}  // namespace telltale::pipeline
