#include "query/plan/line_filter.h"

#include <algorithm>
#include <utility>

#include "query/plan/regex_literal.h"

namespace telltale::query {
namespace {

base::Result<LineTest> make_test(const Text& value, MatchOp op, const RegexCompiler& compiler) {
  LineTest test;
  if (!is_regex(op)) {
    test.literal = LiteralFinder(value.value);
    return test;
  }
  auto regex = compiler.compile(value, RegexUse::line);
  if (!regex) return base::pass(regex);
  RegexLiteral literal = required_literal(value.value);
  test.literal = LiteralFinder(std::move(literal.text));
  if (!literal.exact) test.regex = std::move(*regex);
  return test;
}

}  // namespace

bool LineTest::regex_holds(std::string_view line) const {
  return regex == nullptr || re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *regex);
}

bool LineTest::holds(std::string_view line) const {
  return literal.find(line) != LiteralFinder::npos && regex_holds(line);
}

base::Result<CompiledLineFilter> CompiledLineFilter::make(const LineFilter& filter, const RegexCompiler& compiler) {
  CompiledLineFilter out;
  out.negative_ = is_negative(filter.op);
  for (const Text& value : filter.values) {
    auto test = make_test(value, filter.op, compiler);
    if (!test) return base::pass(test);
    out.tests_.push_back(std::move(*test));
  }
  out.all_literal_ = std::all_of(out.tests_.begin(), out.tests_.end(), [](const LineTest& test) { return test.has_literal(); });
  out.any_regex_ = std::any_of(out.tests_.begin(), out.tests_.end(), [](const LineTest& test) { return test.regex != nullptr; });
  return out;
}

bool CompiledLineFilter::matches(std::string_view line) const {
  const bool held = std::any_of(tests_.begin(), tests_.end(), [line](const LineTest& test) { return test.holds(line); });
  return held != negative_;
}

bool CompiledLineFilter::may_match_text(std::string_view text) const {
  if (negative_ || !all_literal_) return true;
  return std::any_of(tests_.begin(), tests_.end(), [text](const LineTest& test) { return test.literal.find(text) != LiteralFinder::npos; });
}

int CompiledLineFilter::cost() const {
  if (!any_regex_) return negative_ ? 1 : 0;
  return all_literal_ && !negative_ ? 2 : 3;
}

void CompiledLineFilter::keep_matching(const record::Batch& batch, std::vector<std::uint32_t>& indices) const {
  // Few records left: their lines alone are less than the whole text.
  constexpr std::size_t sparse = 4;
  if (indices.size() * sparse < batch.records.size()) {
    keep_one_by_one(batch, indices);
  } else {
    keep_by_cursors(batch, indices);
  }
}

void CompiledLineFilter::keep_one_by_one(const record::Batch& batch, std::vector<std::uint32_t>& indices) const {
  std::erase_if(indices, [&](std::uint32_t index) { return !matches(batch.line(batch.records[index])); });
}

void CompiledLineFilter::keep_by_cursors(const record::Batch& batch, std::vector<std::uint32_t>& indices) const {
  std::vector<LiteralCursor> cursors;
  cursors.reserve(tests_.size());
  for (const LineTest& test : tests_) cursors.emplace_back(test.literal, batch.text);
  const bool nowhere = std::none_of(cursors.begin(), cursors.end(), [](const LiteralCursor& cursor) { return cursor.anywhere(); });
  if (nowhere) {
    if (!negative_) indices.clear();
    return;
  }
  std::erase_if(indices, [&](std::uint32_t index) {
    const record::TextRef ref = batch.records[index].line;
    bool held = false;
    for (std::size_t i = 0; i < tests_.size() && !held; ++i) {
      held = cursors[i].in(ref.offset, ref.end()) && tests_[i].regex_holds(batch.view(ref));
    }
    return held == negative_;
  });
}

}  // namespace telltale::query
