// A file that grows while a run goes on, and goes on after the disk was full or gone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "runs/files/output_folder.h"

namespace telltale::runs {

// What is pending is appended by write(); keep() says that all that was written counts. After an error go_back() takes away what does not
// count, so that it can come again. Not held open: there may be more files than descriptors. One thread.
class AppendedFile {
 public:
  explicit AppendedFile(std::string path) : path_(std::move(path)) {}

  // Begins anew, empty. With `beside`, under a temporary name until publish(): readers keep the old file until then.
  base::Status create(OutputFolder& folder, bool beside);
  base::Status publish(OutputFolder& folder);

  std::string& pending() { return pending_; }
  // file_not_found from here on: the file is no longer the one that was written; it has to be made from its beginning.
  base::Status write(OutputFolder& folder);
  void keep() { kept_ = written_; }
  base::Status go_back(OutputFolder& folder);
  // Only looks.
  base::Status check(OutputFolder& folder) const;

 private:
  std::string written_path() const;

  const std::string path_;
  bool beside_ = false;
  std::uint64_t inode_ = 0;
  std::uint64_t written_ = 0;  // bytes
  std::uint64_t kept_ = 0;
  std::string pending_;
};

}  // namespace telltale::runs
