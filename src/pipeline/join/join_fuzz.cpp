#include <cstddef>
#include <cstdint>

#include "pipeline/join/join_invariants.h"

// The first byte says where the lines are cut into blocks. However they are, the records are the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale::pipeline;
  if (size < 2) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::size_t> cuts;
  std::size_t line = 0;
  for (std::size_t at = text.find('\n'); at != std::string::npos && at + 1 < text.size(); at = text.find('\n', at + 1), ++line) {
    if ((data[0] >> (line % 8) & 1) != 0) cuts.push_back(at + 1);
  }
  for (const JoinOptions options : {JoinOptions{}, JoinOptions{.max_lines = 5, .max_bytes = 200}}) {
    const std::vector<JoinedRecord> whole = join_in_blocks(text, {}, options);
    check_joined(text, whole, options);
    require_join(join_in_blocks(text, cuts, options) == whole);
  }
  return 0;
}
