// CRC-32C (Castagnoli; RFC 3720, appendix B.4): the polynomial 0x1EDC6F41, bits reversed, all ones before and after.
#include <array>
#include <cstring>

#include "base/hash.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace telltale::base {

namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;

using Table = std::array<std::uint32_t, 256>;
// Element i is what the state 1 << i becomes; states are sums of these, so this is a linear map of states.
using Operator = std::array<std::uint32_t, 32>;

constexpr std::uint32_t state_after(const Operator& map, std::uint32_t state) {
  std::uint32_t result = 0;
  for (std::size_t i = 0; state != 0; ++i, state >>= 1) {
    if ((state & 1) != 0) result ^= map[i];
  }
  return result;
}

constexpr std::uint32_t step_bit(std::uint32_t state) {
  return (state >> 1) ^ ((state & 1) != 0 ? polynomial : 0);
}

// The map "2^log2_bytes zero bytes follow", by squaring the map of one byte.
constexpr Operator zeros_operator(int log2_bytes) {
  Operator map{};
  for (std::size_t i = 0; i < 32; ++i) {
    map[i] = std::uint32_t{1} << i;
    for (int bit = 0; bit < 8; ++bit) map[i] = step_bit(map[i]);
  }
  for (int n = 0; n < log2_bytes; ++n) {
    Operator squared{};
    for (std::size_t i = 0; i < 32; ++i) squared[i] = state_after(map, map[i]);
    map = squared;
  }
  return map;
}

// tables[n][b]: the state after byte b and n zero bytes (slicing by 8: Kounavis and Berry, ISCC 2005).
constexpr std::array<Table, 8> slicing_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = step_bit(state);
    tables[0][byte] = state;
  }
  for (std::size_t n = 1; n < 8; ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> slicing = slicing_tables();

std::uint64_t load(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint32_t portable(std::uint32_t state, const char* at, std::size_t size) {
  for (; size >= 8; at += 8, size -= 8) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(at);
    const std::uint32_t head = state ^ (static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
                                        static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24);
    state = slicing[7][head & 255] ^ slicing[6][(head >> 8) & 255] ^ slicing[5][(head >> 16) & 255] ^ slicing[4][head >> 24] ^
            slicing[3][bytes[4]] ^ slicing[2][bytes[5]] ^ slicing[1][bytes[6]] ^ slicing[0][bytes[7]];
  }
  for (; size != 0; ++at, --size) state = (state >> 8) ^ slicing[0][(state ^ static_cast<unsigned char>(*at)) & 255];
  return state;
}

#if defined(__x86_64__)

// The instruction takes three cycles and starts every cycle: three lanes of this size run side by side.
constexpr int lane_log2 = 10;
constexpr std::size_t lane = std::size_t{1} << lane_log2;

constexpr std::array<Table, 4> lane_tables() {
  const Operator map = zeros_operator(lane_log2);
  std::array<Table, 4> tables{};
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) tables[n][byte] = state_after(map, byte << (8 * n));
  }
  return tables;
}

constexpr std::array<Table, 4> lane_shift = lane_tables();

// The state after `lane` zero bytes.
std::uint32_t shift_lane(std::uint32_t state) {
  return lane_shift[0][state & 255] ^ lane_shift[1][(state >> 8) & 255] ^ lane_shift[2][(state >> 16) & 255] ^ lane_shift[3][state >> 24];
}

__attribute__((target("sse4.2"))) std::uint32_t hardware(std::uint32_t start, const char* at, std::size_t size) {
  std::uint64_t state = start;
  for (; size >= 3 * lane; at += 3 * lane, size -= 3 * lane) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < lane; i += 8) {
      state = _mm_crc32_u64(state, load(at + i));
      second = _mm_crc32_u64(second, load(at + lane + i));
      third = _mm_crc32_u64(third, load(at + 2 * lane + i));
    }
    const std::uint32_t two = shift_lane(static_cast<std::uint32_t>(state)) ^ static_cast<std::uint32_t>(second);
    state = shift_lane(two) ^ static_cast<std::uint32_t>(third);
  }
  for (; size >= 8; at += 8, size -= 8) state = _mm_crc32_u64(state, load(at));
  auto narrow = static_cast<std::uint32_t>(state);
  for (; size != 0; ++at, --size) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return narrow;
}

bool has_hardware() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}

#else

bool has_hardware() {
  return false;
}
std::uint32_t hardware(std::uint32_t state, const char* at, std::size_t size) {
  return portable(state, at, size);
}

#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
  return has_hardware() ? ~hardware(~seed, bytes.data(), bytes.size()) : ~portable(~seed, bytes.data(), bytes.size());
}

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed) {
  return ~portable(~seed, bytes.data(), bytes.size());
}

}  // namespace telltale::base
