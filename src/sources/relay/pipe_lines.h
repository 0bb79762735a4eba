// From the bytes of a pipe to blocks of whole lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sources/process/relay_message.h"

namespace telltale::sources {

// Lines of a stream that were read together.
struct PipeBlock {
  StreamPlace from;
  StreamPlace to;
  std::string bytes;
  base::MonoNanos read = 0;
  std::optional<base::MonoNanos> dry;  // when the pipe was last known to be empty before the first of them began
  bool unterminated = false;
  bool truncated = false;

  std::uint64_t cost() const { return relay_cost(bytes.size()); }
};

// One stream. Synchronous.
class PipeLines {
 public:
  // `begin` is where the first byte stands in the stream.
  PipeLines(StreamPlace begin, std::uint64_t max_line_bytes) : at_(begin), max_line_bytes_(max_line_bytes) {}

  void set_max_line_bytes(std::uint64_t bytes) { max_line_bytes_ = bytes; }
  // Appends the blocks that `bytes` complete. A line without its end stays here.
  void take(std::string_view bytes, base::MonoNanos read, std::optional<base::MonoNanos> dry, std::vector<PipeBlock>& out);
  // The line without its end when nothing follows.
  std::optional<PipeBlock> finish(base::MonoNanos read);
  // All that was taken: the offset behind the last byte, and the lines that ended.
  StreamPlace place() const { return {at_.offset + partial_size_, at_.line}; }

 private:
  PipeBlock make_block(std::string bytes, std::uint64_t size, std::uint64_t lines, base::MonoNanos read,
                       std::optional<base::MonoNanos> dry);
  void end_partial(std::string_view end_of_line, base::MonoNanos read, std::vector<PipeBlock>& out);

  StreamPlace at_;  // of the partial line
  std::uint64_t max_line_bytes_;
  std::string partial_;             // its first bytes, at most max_line_bytes_
  std::uint64_t partial_size_ = 0;  // all of it
  std::optional<base::MonoNanos> partial_dry_;
};

}  // namespace telltale::sources
