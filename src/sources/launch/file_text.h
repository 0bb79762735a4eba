// Looks for a text in what files get from a moment on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"

namespace telltale::sources {

// One thread. The files outlive it.
class FileText {
 public:
  // From now on: what the files of the patterns hold already does not count; of those that come up later everything does.
  FileText(base::Files& files, const std::vector<std::string>& patterns, std::string text);
  // Is it there by now?
  bool look();

 private:
  struct Seen {
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
    std::string rest;  // its end may be the text's beginning
  };
  bool look_at(const std::string& path, const base::FileInfo& info);

  base::Files& files_;
  const std::vector<std::string> patterns_;
  const std::string text_;
  std::map<std::string, Seen> seen_;
};

}  // namespace telltale::sources
