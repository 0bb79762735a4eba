#include "sources/file/inner_positions.h"

#include <algorithm>

namespace telltale::sources {

record::Position FileInnerPositions::behind(std::string_view text, std::uint64_t lines) const {
  FilePosition position = start_.position;
  std::string encoded;
  std::string_view begin = text;
  if (unit_of(start_.encoding) != 1 || (start_.encoding == TextEncoding::utf8 && position.offset == 0)) {
    encoded = from_utf8(start_.encoding, text, position.offset == 0);
    begin = encoded;
  }
  if (position.head.length < head_bytes) {
    std::string head = start_.head;
    if (head.size() == position.offset) head.append(begin.substr(0, head_bytes - head.size()));
    if (head.size() > position.head.length) position.head = mark_of(hasher_, head);
  }
  std::string tail = start_.tail;
  if (begin.size() >= tail_bytes) {
    tail.assign(begin.substr(begin.size() - tail_bytes));
  } else {
    tail.append(begin);
    if (tail.size() > tail_bytes) tail.erase(0, tail.size() - tail_bytes);
  }
  position.tail = mark_of(hasher_, tail);
  position.offset += begin.size();
  position.line += lines;
  position.size = std::max(position.size, position.offset);
  return {start_.key, encode_position(position)};
}

}  // namespace telltale::sources
