// A line without terminal colours, with the way back to its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::pipeline {

// Text without its ANSI escape sequences (ECMA-48: ESC [ parameters final byte). Reused from line to line.
class PlainView {
 public:
  void set(std::string_view line);
  std::string_view text() const { return text_; }
  // Where text()[at] stands in the line.
  std::uint32_t begin_in_line(std::uint32_t at) const;
  // Where what ends before text()[at] ends in the line.
  std::uint32_t end_in_line(std::uint32_t at) const { return at == 0 ? 0 : begin_in_line(at - 1) + 1; }

 private:
  struct Piece {
    std::uint32_t in_text = 0;
    std::uint32_t in_line = 0;
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace telltale::pipeline
