// Patterns of paths: * ? [a-z] [!a-z] within a name, ** for any folders.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace telltale::sources {

// Does one name match one part of a pattern (no "/" in either)? A leading dot is matched only by a leading dot of the pattern.
bool name_matches(std::string_view pattern, std::string_view name);
// Does a path match a whole pattern? For excludes: a pattern without "/" is matched against the file's name.
bool path_matches(std::string_view pattern, std::string_view path);

class Glob {
 public:
  // source_invalid: empty, an unclosed bracket, "**" as a part of a name.
  static base::Result<Glob> parse(std::string_view pattern);

  struct Match {
    std::string path;
    base::FileInfo info;
  };
  struct Problem {
    std::string path;
    base::Error error;
  };
  struct Result {
    std::vector<Match> files;          // regular files
    std::vector<std::string> folders;  // that were looked into: where new matches can appear
    std::vector<Problem> problems;     // what could not be looked at; missing files and folders are none
  };
  // Follows symbolic links; a folder inside itself is entered once.
  void find(base::Files& files, Result& out) const;

  const std::string& pattern() const { return pattern_; }

 private:
  struct Walk;
  void descend(Walk& walk, const std::string& folder, std::size_t part) const;
  bool take(Walk& walk, const std::string& path, std::size_t part) const;

  std::string pattern_;
  std::string root_;                // "/" or ""
  std::vector<std::string> parts_;  // between slashes
};

}  // namespace telltale::sources
