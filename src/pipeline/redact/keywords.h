// Finds literals that stand in every match of a pattern.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace telltale::pipeline {

// Literals in lower case (to be looked for in any case), one of which stands in each match; empty when the pattern has none of at least
// three characters. Fails with the reason when RE2 cannot compile the pattern.
base::Result<std::vector<std::string>> required_literals(const std::string& pattern);

}  // namespace telltale::pipeline
