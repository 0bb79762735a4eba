// The template of a message: what stays the same when the program says it again. One notion for storage and analysis.
//
// The rule is CLP's (y-scope/clp, "How CLP encodes"; Rodrigues et al., OSDI 2021), without learning: a token is a run of the bytes
// + - . 0-9 A-Z \ _ a-z; it is a variable when it holds a digit, or directly follows '=' and holds a letter, or is a word of at least
// eight hexadecimal digits (CLP takes two: words such as "add" would vanish from templates that people read). So of a path, a URL, an
// address with its port or a time, the parts that vary are masked and the parts that name something stay.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::record {

enum class VariableKind : std::uint8_t {
  text,     // anything else: ids, hexadecimal numbers, addresses, versions
  integer,  // a decimal integer of at most 18 digits that can be written back exactly from its value
  decimal,  // digits, one point, digits; at most 16 digits
};

// Bytes [begin, begin + size) of the message.
struct TemplateVariable {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  VariableKind kind = VariableKind::text;
  bool operator==(const TemplateVariable&) const = default;
};

// Replaces `variables` by those of `message` (under 4 GiB), in order, never empty, never overlapping. Linear time; allocates only when
// `variables` grows.
void find_template_variables(std::string_view message, std::vector<TemplateVariable>& variables);

// Appends the message with each variable replaced by "<*>".
void append_template(std::string& out, std::string_view message, const std::vector<TemplateVariable>& variables);

}  // namespace telltale::record
