// Patterns and what names say of rotation.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "base/testing/temp_directory.h"
#include "sources/file/glob.h"
#include "sources/file/rotation_name.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(NameMatches, Wildcards) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Case cases[] = {
      {"*.log", "app.log", true},
      {"*.log", ".log", false},
      {".*", ".log", true},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"[a-c]x", "bx", true},
      {"[a-c]x", "dx", false},
      {"[!a-c]x", "dx", true},
      {"[]]x", "]x", true},
      {"*", "", true},
      {"a*b*c", "a--b--b-c", true},
      {"a*b*c", "a--c", false},
      {"app.log*", "app.log.1", true},
      {"[a-", "[a-", true},
      {"**", "x", true},
      {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
  };
  for (const auto& c : cases) EXPECT_EQ(name_matches(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
}

TEST(PathMatches, FoldersAndNames) {
  EXPECT_TRUE(path_matches("/var/**/*.log", "/var/log/a/b.log"));
  EXPECT_TRUE(path_matches("/var/**/*.log", "/var/b.log"));
  EXPECT_FALSE(path_matches("/var/*/*.log", "/var/log/a/b.log"));
  EXPECT_TRUE(path_matches("*.tmp", "/any/where/x.tmp"));
}

std::vector<std::string> found(base::Files& files, std::string_view pattern) {
  Glob::Result result;
  Glob::parse(pattern)->find(files, result);
  std::vector<std::string> paths;
  for (const auto& match : result.files) paths.push_back(match.path);
  return paths;
}

TEST(GlobTest, FindsFilesInAnyFolder) {
  base::testing::MemoryFiles files;
  for (const char* path : {"/logs/a.log", "/logs/b.txt", "/logs/x/c.log", "/logs/x/y/d.log", "/logs/.git/e.log"}) files.put(path, "");
  EXPECT_THAT(found(files, "/logs/*.log"), ElementsAre("/logs/a.log"));
  EXPECT_THAT(found(files, "/logs/*/*.log"), ElementsAre("/logs/x/c.log"));
  EXPECT_THAT(found(files, "/logs/**/*.log"), UnorderedElementsAre("/logs/a.log", "/logs/x/c.log", "/logs/x/y/d.log"));
  EXPECT_THAT(found(files, "/logs/**"), UnorderedElementsAre("/logs/a.log", "/logs/b.txt", "/logs/x/c.log", "/logs/x/y/d.log"));
  EXPECT_THAT(found(files, "/logs/b.txt"), ElementsAre("/logs/b.txt"));
  EXPECT_THAT(found(files, "/none/*.log"), IsEmpty());
}

TEST(GlobTest, NamesTheFolderToWatchAlsoWhenItDoesNotExistYet) {
  base::testing::MemoryFiles files;
  files.put("/srv/x", "");
  Glob::Result result;
  Glob::parse("/srv/logs/deep/app.log")->find(files, result);
  EXPECT_THAT(result.folders, ElementsAre("/srv"));
  EXPECT_THAT(result.problems, IsEmpty()) << "a file that is not there yet is no problem";
}

TEST(GlobTest, AFolderInTheFilesPlaceIsAProblemWithARemedy) {
  base::testing::MemoryFiles files;
  files.put("/srv/logs/a.log", "");
  Glob::Result result;
  Glob::parse("/srv/logs")->find(files, result);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].error.code, base::ErrorCode::is_directory);
  EXPECT_EQ(result.problems[0].error.remedy, "Name the files in it, as in /srv/logs/*.log");
}

TEST(GlobTest, RefusesWhatItCannotMean) {
  for (const char* pattern : {"", "/", "/var/a**b/*.log", "/var/[a/x"}) {
    const auto glob = Glob::parse(pattern);
    ASSERT_FALSE(glob) << pattern;
    EXPECT_EQ(glob.error().code, base::ErrorCode::source_invalid);
  }
}

TEST(GlobTest, EntersALoopOfSymbolicLinksOnce) {
  base::testing::TempDirectory folder;
  std::filesystem::create_directories(folder.path("a/b"));
  std::ofstream(folder.path("a/b/x.log")) << "";
  std::filesystem::create_directory_symlink(folder.path("a"), folder.path("a/b/up"));
  base::PosixFiles files;
  EXPECT_THAT(found(files, folder.path("**/*.log")), ElementsAre(folder.path("a/b/x.log")));
}

TEST(RotationName, BaseNames) {
  struct Case {
    const char* name;
    const char* base;
  };
  const Case cases[] = {
      {"app.log", "app.log"},
      {"app.log.1", "app.log"},
      {"app.log.12.gz", "app.log"},
      {"app.log-20261121", "app.log"},
      {"app.log.2026-11-21", "app.log"},
      {"app.log-20261121-1763700000", "app.log"},
      {"app.log.old", "app.log"},
      {"app-2026-11-21.log", "app.log"},
      {"app-20261121T101500.123Z.log", "app.log"},
      {"app.1.log", "app.log"},
      {"worker-3.log", "worker-3.log"},
      {"a-2.log", "a-2.log"},
      {"messages", "messages"},
      {"v1.2", "v1"},
      {".1", ".1"},
  };
  for (const auto& c : cases) EXPECT_EQ(base_name_of(c.name), c.base) << c.name;
}

TEST(RotationName, Siblings) {
  EXPECT_TRUE(is_sibling_name("app.log.1", "app.log"));
  EXPECT_TRUE(is_sibling_name("app.log-2026", "app.log"));
  EXPECT_TRUE(is_sibling_name("app-2026-11-21.log", "app.log"));
  EXPECT_FALSE(is_sibling_name("app-2.log", "app.log")) << "more likely another worker";
  EXPECT_FALSE(is_sibling_name("app.logger", "app.log"));
  EXPECT_FALSE(is_sibling_name("app.log", "app.log"));
}

TEST(RotationName, SiblingPaths) {
  EXPECT_TRUE(is_sibling_path("/logs/app.log.1", "/logs/app.log"));
  EXPECT_TRUE(is_sibling_path("app.log.1", "app.log"));
  EXPECT_FALSE(is_sibling_path("/logs/x/app.log.1", "/logs/app.log"));
  EXPECT_FALSE(is_sibling_path("/Logs/app.log.1", "/logs/app.log"));
}

TEST(RotationName, NumbersAndStems) {
  EXPECT_EQ(rotation_number("app.log.3"), 3u);
  EXPECT_EQ(rotation_number("app.log.10.gz"), 10u);
  EXPECT_EQ(rotation_number("app.log"), 0u);
  EXPECT_EQ(rotation_number("app.log-20261121"), 0u);
  EXPECT_EQ(stem_of("app.log.1"), "app");
  EXPECT_EQ(stem_of("messages"), "messages");
  EXPECT_EQ(stem_of("api.v2.log"), "api.v2");
}

}  // namespace
}  // namespace telltale::sources
