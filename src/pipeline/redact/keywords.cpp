#include "pipeline/redact/keywords.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

namespace telltale::pipeline {

base::Result<std::vector<std::string>> required_literals(const std::string& pattern) {
  constexpr int shortest = 3;
  re2::FilteredRE2 filter(shortest);
  RE2::Options options;
  options.set_log_errors(false);
  int id = 0;
  if (filter.Add(pattern, options, &id) != re2::RE2::NoError) {
    return base::fail(base::ErrorCode::rule_invalid, re2::RE2(pattern, options).error());
  }
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  // A pattern that may match although no atom was seen has no literal to rely on.
  std::vector<int> without_atoms;
  filter.AllPotentials({}, &without_atoms);
  if (!without_atoms.empty()) atoms.clear();
  return atoms;
}

}  // namespace telltale::pipeline
