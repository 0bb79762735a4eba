#include "base/random.h"

#include <cerrno>
#include <vector>

#include <sys/random.h>

#include "base/assert.h"

namespace telltale::base {

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    TT_ASSERT(got > 0, "the kernel gives random bytes");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_hex(Random& random, std::size_t bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::vector<std::uint8_t> raw(bytes);
  random.fill(raw);
  std::string text;
  text.reserve(bytes * 2);
  for (const std::uint8_t byte : raw) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace telltale::base
