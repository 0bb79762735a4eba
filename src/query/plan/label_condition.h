// A label matcher, compiled.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/lang/ast.h"
#include "query/plan/regex.h"

namespace telltale::query {

// Regular expressions match the whole value; a label that is missing has the empty value. Immutable, thread-safe.
class LabelCondition {
 public:
  static base::Result<LabelCondition> make(const LabelMatcher& matcher, const RegexCompiler& compiler);

  const std::string& name() const { return name_; }
  bool negative() const { return negative_; }
  // Is it the value, whether or not the matcher wants that.
  bool is(std::string_view value) const;
  bool matches(std::string_view value) const { return is(value) != negative_; }

 private:
  std::string name_;
  std::string value_;
  std::unique_ptr<const re2::RE2> regex_;
  bool negative_ = false;
};

}  // namespace telltale::query
