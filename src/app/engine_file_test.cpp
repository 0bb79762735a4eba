#include "app/engine_file.h"

#include <gtest/gtest.h>

#include "base/testing/memory_files.h"

namespace telltale::app {
namespace {

TEST(EngineFile, IsReadAsItWasWrittenUntilItIsRemoved) {
  base::testing::MemoryFiles files;
  ASSERT_TRUE(files.make_directories("data"));
  EXPECT_FALSE(read_engine_file(files, "data")->has_value());
  const EngineFile own{.url = "http://127.0.0.1:8765", .pid = 42, .version = "1.2.3", .token = "t\"1"};
  ASSERT_TRUE(write_engine_file(files, "data", own));
  const auto read = read_engine_file(files, "data");
  ASSERT_TRUE(read && read->has_value());
  EXPECT_EQ((*read)->url, "http://127.0.0.1:8765");
  EXPECT_EQ((*read)->pid, 42);
  EXPECT_EQ((*read)->version, "1.2.3");
  EXPECT_EQ((*read)->token, "t\"1");
  ASSERT_TRUE(remove_engine_file(files, "data", own));
  EXPECT_FALSE(read_engine_file(files, "data")->has_value());
  EXPECT_TRUE(remove_engine_file(files, "data", own)) << "somebody else removed it before";
}

TEST(EngineFile, OfAnotherEngineStays) {
  base::testing::MemoryFiles files;
  ASSERT_TRUE(files.make_directories("data"));
  const EngineFile own{.url = "http://127.0.0.1:8765", .pid = 42, .version = "1.2.3", .token = "old"};
  EngineFile newer = own;
  newer.token = "new";
  ASSERT_TRUE(write_engine_file(files, "data", newer));
  ASSERT_TRUE(remove_engine_file(files, "data", own));
  EXPECT_EQ(*read_engine_file(files, "data"), newer) << "in containers two engines may have the same number";
  ASSERT_TRUE(base::write_file_atomically(files, "data/engine.json", "nonsense"));
  EXPECT_FALSE(remove_engine_file(files, "data", own));
}

}  // namespace
}  // namespace telltale::app
