// A real folder of a test's own.
#pragma once

#include <string>
#include <string_view>

namespace telltale::base::testing {

// Made with a unique name under the system's temporary folder, removed with all it holds at the end. Ends the program when it cannot be
// made.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  // The path of something in it.
  std::string path(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace telltale::base::testing
