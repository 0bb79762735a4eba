// Hashes: XXH3 for identities and lookups, and a keyed form for bytes that may hold secrets.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace telltale::base {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;
  // 32 hexadecimal digits.
  std::string hex() const;
  static bool parse(std::string_view hex, Hash128& out);
};

struct Hash128Hasher {
  std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
};

std::uint64_t hash64(std::string_view bytes);
Hash128 hash128(std::string_view bytes);

// XXH3 over a secret of 192 bytes derived from a key file of the store: equal bytes give equal hashes within one store only, so a
// stored hash cannot be looked up in a table made elsewhere. It is no cryptographic MAC (docs/decisions). Immutable, thread-safe.
class KeyedHasher {
 public:
  explicit KeyedHasher(std::string_view key);
  Hash128 operator()(std::string_view bytes) const;

 private:
  std::array<unsigned char, 192> secret_;
};

// SHA-256 as 64 hexadecimal digits in lower case: for identities that programs of other languages compute too.
std::string sha256_hex(std::string_view bytes);

// CRC-32C (Castagnoli), hardware where the machine has it. `seed` is the CRC of what came before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);
// The same without special instructions; crc32c() uses it on machines that have none.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace telltale::base
