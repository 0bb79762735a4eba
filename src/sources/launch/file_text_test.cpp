#include "sources/launch/file_text.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"

namespace telltale::sources {
namespace {

class FileTextTest : public ::testing::Test {
 protected:
  void append(const std::string& name, const std::string& text) { std::ofstream(folder.path(name), std::ios::app) << text; }
  base::PosixFiles files;
  base::testing::TempDirectory folder;
};

TEST_F(FileTextTest, WhatWasThereBeforeDoesNotCount) {
  append("a.log", "it is ready\n");
  FileText text(files, {folder.path("*.log")}, "ready");
  EXPECT_FALSE(text.look());
  append("a.log", "rea");
  EXPECT_FALSE(text.look());
  append("a.log", "dy\n");
  EXPECT_TRUE(text.look()) << "in two pieces";
}

TEST_F(FileTextTest, NewFilesCountFromTheirBeginning) {
  FileText text(files, {folder.path("*.log")}, "ready");
  EXPECT_FALSE(text.look());
  append("other.txt", "ready\n");
  EXPECT_FALSE(text.look());
  append("new.log", "ready\n");
  EXPECT_TRUE(text.look());
}

TEST_F(FileTextTest, AReplacedOrEmptiedFileIsANewOne) {
  append("a.log", "a long line that was there before\n");
  append("b.log", "a long line that was there before\n");
  FileText text(files, {folder.path("a.log"), folder.path("b.log")}, "ready");
  std::filesystem::resize_file(folder.path("a.log"), 0);
  append("a.log", "still no\n");
  EXPECT_FALSE(text.look());
  append("fresh", "ready, and longer than what was there before it came\n");
  std::filesystem::rename(folder.path("fresh"), folder.path("b.log"));
  EXPECT_TRUE(text.look());
}

TEST_F(FileTextTest, FindsItAcrossLargePieces) {
  FileText text(files, {folder.path("a.log")}, "ready");
  append("a.log", std::string(64 * 1024 - 2, 'x') + "ready" + std::string(64 * 1024, 'y'));
  EXPECT_TRUE(text.look());
}

}  // namespace
}  // namespace telltale::sources
