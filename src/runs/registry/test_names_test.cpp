#include "runs/registry/test_names.h"

#include <gtest/gtest.h>

namespace telltale::runs {
namespace {

TEST(TestNames, KnowWhichRunHadWhat) {
  TestNames names;
  names.add("r1", "id1", "a.py::test_x[1]", "test_x[1]");
  EXPECT_FALSE(names.knows("r1")) << "there may be more";
  names.add("r1", "id2", "b.py::test_y", "a name of its own");
  names.complete("r1");
  names.add("r2", "id3", "b.py::test_y", "");
  names.complete("r2");
  names.complete("r3");
  EXPECT_TRUE(names.knows("r1") && names.knows("r2") && names.knows("r3"));
  const auto has = [&](std::string_view run, const TestNames::Meaning& meaning) { return names.has(run, meaning); };
  EXPECT_TRUE(has("r1", names.exactly("id2")));
  EXPECT_FALSE(has("r2", names.exactly("id2")));
  EXPECT_TRUE(has("r1", names.exactly("b.py::test_y")));
  EXPECT_TRUE(has("r2", names.exactly("b.py::test_y")));
  EXPECT_FALSE(has("r1", names.exactly("b.py::test")));
  EXPECT_TRUE(has("r1", names.holding("test_x[")));
  EXPECT_TRUE(has("r1", names.holding("of its own")));
  EXPECT_FALSE(has("r2", names.holding("of its own")));
  EXPECT_TRUE(has("r2", names.holding("py::")));
  EXPECT_FALSE(has("r3", names.holding("")));
  EXPECT_FALSE(has("r9", names.holding("py::")));
}

TEST(TestNames, ANameIsKeptOnceHoweverManyRunsHadIt) {
  TestNames names;
  const std::string long_name(1000, 'x');
  names.add("r1", "a", long_name, "");
  const std::size_t one = names.bytes();
  for (int run = 0; run < 100; ++run) names.add("r" + std::to_string(run), "a" + std::to_string(run), long_name, "");
  EXPECT_LE(names.bytes(), one + 100 * 12);
}

TEST(TestNames, AreBounded) {
  TestNames names(2000);
  for (int test = 0; test < 100; ++test) names.add("large", std::to_string(test), "test_" + std::to_string(test), "");
  names.complete("large");
  EXPECT_FALSE(names.knows("large"));
  EXPECT_TRUE(names.is_too_large("large"));
  EXPECT_LE(names.bytes(), 2200u);
  for (int test = 0; test < 100; ++test) names.add("more", std::to_string(test), "test_" + std::to_string(test), "");
  EXPECT_TRUE(names.is_too_large("more"));
  EXPECT_LE(names.bytes(), 2200u);
  names.keep_only([](const std::string& run) { return run == "more"; });
  names.keep_only([](const std::string&) { return false; });
  EXPECT_EQ(names.bytes(), 0u);
  names.add("other", "x", "y", "");
  names.complete("other");
  EXPECT_TRUE(names.has("other", names.exactly("y")));
}

}  // namespace
}  // namespace telltale::runs
