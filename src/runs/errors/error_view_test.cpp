#include "runs/errors/error_view.h"

#include <gtest/gtest.h>

namespace telltale::runs {
namespace {

record::Batch batch_of(std::string_view line, record::Severity severity = record::Severity::info, int findings = 0) {
  record::Batch batch;
  batch.text = line;
  record::Record record;
  record.line = {0, static_cast<std::uint32_t>(line.size())};
  record.severity = severity;
  record.finding_count = static_cast<std::uint16_t>(findings);
  batch.records.push_back(record);
  return batch;
}

bool judged(const ErrorPatterns& patterns, const record::Batch& batch) {
  const ErrorView view(patterns);
  return is_error({&batch, &batch.records[0], 1}, nullptr, &view);
}

const record::Batch quiet = batch_of("INFO Connection REFUSED by peer");
const record::Batch found = batch_of("INFO payment failed", record::Severity::info, 1);
const record::Batch severe = batch_of("ERROR pool is empty", record::Severity::error, 2);

TEST(ErrorView, WithoutOneCaptureDecides) {
  for (const auto& [batch, error] : {std::pair(&quiet, false), {&found, true}, {&severe, true}}) {
    EXPECT_EQ(is_error({batch, batch->records.data(), 1}, nullptr, nullptr), error);
    EXPECT_EQ(judged({}, *batch), error);
  }
}

TEST(ErrorView, AddedWordsCountInAnyCaseAndNotWhereNothingIsWrong) {
  const ErrorPatterns patterns{.add = {" connection refused ", "rejected"}, .replace = {}, .ignore = {}};
  EXPECT_TRUE(judged(patterns, quiet));
  EXPECT_TRUE(judged(patterns, found));
  EXPECT_FALSE(judged(patterns, batch_of("INFO 0 rejected, 5 taken")));
  EXPECT_TRUE(judged(patterns, batch_of("INFO 0 rejected, then one rejected")));
}

TEST(ErrorView, ReplacedWordsStandInsteadOfWhatCaptureFoundAndNotOfTheLevel) {
  const ErrorPatterns patterns{.add = {"out of paper"}, .replace = {"refused"}, .ignore = {}};
  EXPECT_TRUE(judged(patterns, quiet));
  EXPECT_FALSE(judged(patterns, found));
  EXPECT_TRUE(judged(patterns, severe));
  EXPECT_TRUE(judged(patterns, batch_of("printer: out of paper")));
}

TEST(ErrorView, IgnoredLinesAreNoErrorsWhateverTheirLevel) {
  const ErrorPatterns patterns{.add = {"pool"}, .replace = {}, .ignore = {"Pool is EMPTY", "payment"}};
  EXPECT_FALSE(judged(patterns, severe));
  EXPECT_FALSE(judged(patterns, found));
  EXPECT_TRUE(judged(patterns, batch_of("pool drained")));
}

TEST(ErrorView, BlankPatternsMeanNothing) {
  EXPECT_TRUE(judged({.add = {}, .replace = {" "}, .ignore = {"", "  "}}, found));
  EXPECT_FALSE(judged({.add = {""}, .replace = {}, .ignore = {}}, quiet));
}

TEST(ErrorView, TheSecondHasTheLastWord) {
  const ErrorView ignores({.add = {}, .replace = {}, .ignore = {"refused"}});
  const ErrorView adds({.add = {"refused"}, .replace = {}, .ignore = {}});
  EXPECT_TRUE(is_error({&quiet, quiet.records.data(), 1}, &ignores, &adds));
  EXPECT_FALSE(is_error({&quiet, quiet.records.data(), 1}, &adds, &ignores));
}

}  // namespace
}  // namespace telltale::runs
