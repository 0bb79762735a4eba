#include "base/testing/temp_directory.h"

#include <cstdlib>
#include <filesystem>

#include "base/assert.h"
#include "base/files.h"

namespace telltale::base::testing {

TempDirectory::TempDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "telltale-test-XXXXXX").string();
  TT_ASSERT(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made: " + path_);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;  // a test that took away its own rights leaves the folder behind; that harms nothing
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDirectory::path(std::string_view name) const {
  return join_path(path_, name);
}

}  // namespace telltale::base::testing
