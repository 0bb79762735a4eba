// What a server's answer is made of, and who takes it apart: one parser for each format of the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::sources {

// A line, or a piece of one that the server sends in several (Docker beyond 16 KiB).
struct Part {
  base::UnixNanos time = 0;  // the server's; 0: it gave none
  std::uint8_t channel = 0;  // pieces of one line are of one channel
  std::string_view text;     // without time and line end, at most the parser's limit
  std::uint64_t bytes = 0;   // of the text as it was sent
  bool ends_line = true;
};

// Incremental: what comes out does not depend on how the input is cut. One thread.
class PartParser {
 public:
  using Take = std::function<void(const Part&)>;
  virtual ~PartParser() = default;
  // The part's text is valid during `take`. connection_lost: this is no such stream; nothing more can be read of it.
  virtual base::Status feed(std::string_view bytes, const Take& take) = 0;
  // The server ended the stream itself: a last line may lack its end.
  virtual void finish(const Take& take) = 0;
};

}  // namespace telltale::sources
