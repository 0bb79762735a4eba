#include "pipeline/redact/plain_view.h"

#include <algorithm>

namespace telltale::pipeline {

void PlainView::set(std::string_view line) {
  text_.clear();
  pieces_.clear();
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t escape = std::min(line.find("\x1b[", at), line.size());
    if (escape > at) {
      pieces_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(at)});
      text_.append(line.substr(at, escape - at));
    }
    at = escape;
    if (at == line.size()) break;
    at += 2;
    while (at < line.size() && line[at] >= 0x20 && line[at] <= 0x3f) ++at;  // parameters
    if (at < line.size() && line[at] >= 0x40 && line[at] <= 0x7e) ++at;     // final byte
  }
}

std::uint32_t PlainView::begin_in_line(std::uint32_t at) const {
  const auto after = std::ranges::upper_bound(pieces_, at, {}, &Piece::in_text);
  if (after == pieces_.begin()) return at;
  const Piece& piece = *(after - 1);
  return piece.in_line + (at - piece.in_text);
}

}  // namespace telltale::pipeline
