// Private keys in PEM form: on one line (escaped line ends inside a string), in a joined record, or over many lines of a stream.
#pragma once

#include <string_view>
#include <vector>

#include "pipeline/redact/rule.h"
#include "pipeline/redact/state.h"

namespace telltale::pipeline {

// `line` holds "PRIVATE KEY". Appends the keys in it; sets `state` when one goes on after the line.
void find_private_keys(std::string_view line, RuleIndex rule, RedactState& state, std::vector<SecretSpan>& spans);

// `line` follows one that left state.in_private_key: appends what belongs to the key, perhaps after a prefix that a logger put before
// it, and notices the key's end. A key that does not end is given up after 500 lines, or after five in a row that cannot belong to it.
void continue_private_key(std::string_view line, RuleIndex rule, RedactState& state, std::vector<SecretSpan>& spans);

}  // namespace telltale::pipeline
