// The first byte says how the rest is written. What is decoded is encoded to the same bytes again, and line ends stay where they are.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "sources/text/text_encoding.h"

using namespace telltale::sources;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto encoding = static_cast<TextEncoding>(data[0] % 4);
  const std::string_view source(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string text = to_utf8(encoding, source, false);
  if (source.size() % unit_of(encoding) == 0) TT_ASSERT(from_utf8(encoding, text, false) == source, "nothing is lost");

  const std::size_t first = find_line_end(encoding, source);
  const std::size_t last = find_last_line_end(encoding, source);
  TT_ASSERT((first == std::string_view::npos) == (last == std::string_view::npos), "there is a line end or none");
  if (first == std::string_view::npos) return 0;
  const std::string line = to_utf8(encoding, source.substr(0, first), false);
  TT_ASSERT(line.ends_with('\n') && std::ranges::count(line, '\n') == 1, "one line");
  for (std::size_t cut = 1; cut < std::min<std::size_t>(source.size(), 9); ++cut) {
    const Seam seam{.odd = cut % 2 == 1 && unit_of(encoding) == 2, .last = source[cut - 1]};
    const std::size_t found = find_last_line_end(encoding, source.substr(cut), seam);
    if (last > cut) TT_ASSERT(found != std::string_view::npos && cut + found == last, "a cut changes nothing");
    if (first > cut) TT_ASSERT(cut + find_line_end(encoding, source.substr(cut), seam) == first, "a cut changes nothing");
  }
  return 0;
}
