#include "query/plan/label_condition.h"

#include <utility>

namespace telltale::query {

base::Result<LabelCondition> LabelCondition::make(const LabelMatcher& matcher, const RegexCompiler& compiler) {
  LabelCondition test;
  test.name_ = matcher.name;
  test.value_ = matcher.value.value;
  test.negative_ = is_negative(matcher.op);
  if (is_regex(matcher.op)) {
    auto regex = compiler.compile(matcher.value, RegexUse::label);
    if (!regex) return base::pass(regex);
    test.regex_ = std::move(*regex);
  }
  return test;
}

bool LabelCondition::is(std::string_view value) const {
  if (regex_ == nullptr) return value == value_;
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
}

}  // namespace telltale::query
