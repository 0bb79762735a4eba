#include "pipeline/join/line_ends.h"

#include <cstring>

namespace telltale::pipeline {

void normalise_line_ends(record::Batch& batch) {
  for (record::Record& record : batch.records) {
    if (record.source_lines == 1 || record.line.empty()) continue;
    char* const begin = batch.text.data() + record.line.offset;
    char* const end = begin + record.line.size;
    auto* to = static_cast<char*>(std::memchr(begin, '\r', record.line.size));
    if (to == nullptr) continue;
    for (const char* from = to; from < end; ++from) {
      if (*from == '\r' && from + 1 < end && from[1] == '\n') continue;
      *to++ = *from;
    }
    std::memset(to, '\n', static_cast<std::size_t>(end - to));
    record.line.size = static_cast<std::uint32_t>(to - begin);
    record.body = record.line;
  }
}

}  // namespace telltale::pipeline
