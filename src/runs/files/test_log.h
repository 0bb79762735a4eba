// A test's two files, collected from a pass over the store and put in place at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runs/files/line_format.h"
#include "runs/files/output_folder.h"
#include "runs/summary/tally.h"

namespace telltale::runs {

// Text on its way into a file whose first line is known last: held in memory, and in a file beside the final one where it is too much.
class LogBody {
 public:
  std::string& text() { return text_; }
  bool empty() const { return text_.empty() && spilled_ == 0; }
  base::Status spill(OutputFolder& folder, const std::string& path);
  // Puts header and body in place: a temporary file, renamed.
  base::Status place(OutputFolder& folder, const std::string& path, std::string_view header);
  void drop(OutputFolder& folder, const std::string& path);

 private:
  base::Status copy_spilled(OutputFolder& folder, const std::string& path, base::WritableFile& to);

  std::string text_;
  std::uint64_t spilled_ = 0;
};

// One thread.
class TestLog {
 public:
  void add(const FormattedLine& line, bool gap, bool error, bool shared);

  bool empty() const { return log_.empty(); }
  const TestTally& counts() const { return counts_; }
  // Of what was added: equal text gives equal digests.
  std::uint64_t digest() const { return digest_; }
  std::size_t memory();
  // Frees memory: what was collected goes into files beside `stem`'s.
  base::Status spill(OutputFolder& folder, std::string_view stem);
  // The file of errors is removed when there are none.
  base::Status place(OutputFolder& folder, std::string_view stem, std::string_view header);
  // What was spilled is not needed.
  void drop(OutputFolder& folder, std::string_view stem);

 private:
  TestTally counts_;
  std::uint64_t digest_ = 0;
  LogBody log_;
  LogBody errors_;
};

}  // namespace telltale::runs
