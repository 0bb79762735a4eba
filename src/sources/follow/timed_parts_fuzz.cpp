#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "sources/follow/timed_parts.h"

namespace {

using namespace telltale::sources;

std::unique_ptr<PartParser> make(bool frames) {
  return frames ? make_timed_frames(64) : make_timed_lines(64);
}

// All parts in words; what comes out must not depend on the cuts.
std::string parse(bool frames, std::string_view input, std::size_t step) {
  const auto parser = make(frames);
  std::string out;
  const auto take = [&](const Part& part) {
    if (part.text.size() > 64 || part.bytes < part.text.size()) std::abort();
    out += std::to_string(part.time) + ' ' + std::to_string(part.channel) + ' ' + std::to_string(part.bytes) +
           (part.ends_line ? " . " : " - ");
    out += std::string(part.text) + '\n';
  };
  bool sound = true;
  for (std::size_t at = 0; at < input.size() && sound; at += step) sound = parser->feed(input.substr(at, step), take).has_value();
  if (sound) parser->finish(take);
  return out + (sound ? "" : "refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool frames = data[0] % 2 == 1;
  if (parse(frames, input, input.size() + 1) != parse(frames, input, 1 + data[1] % 16)) std::abort();
  return 0;
}
