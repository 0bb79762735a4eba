#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace telltale::base {
namespace {

// RFC 3720, appendix B.4, and the check value of the algorithm's catalogue entry.
TEST(Crc32c, KnownAnswers) {
  std::string ascending(32, '\0');
  for (std::size_t i = 0; i < ascending.size(); ++i) ascending[i] = static_cast<char>(i);
  const std::string descending(ascending.rbegin(), ascending.rend());
  const std::pair<std::string, std::uint32_t> answers[] = {{std::string(32, '\0'), 0x8A9136AA},
                                                           {std::string(32, '\xFF'), 0x62A8AB43},
                                                           {ascending, 0x46DD794E},
                                                           {descending, 0x113FDB5C},
                                                           {"123456789", 0xE3069283},
                                                           {"", 0}};
  for (const auto& [bytes, crc] : answers) {
    EXPECT_EQ(crc32c(bytes), crc);
    EXPECT_EQ(crc32c_portable(bytes), crc);
  }
}

// Lengths around the three lanes of the hardware form, at every alignment.
TEST(Crc32c, BothFormsAgreeAndCanBeContinued) {
  std::string bytes(10'000, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
  for (const std::size_t length : {1U, 7U, 8U, 9U, 1023U, 3071U, 3072U, 3073U, 6144U, 9216U, 9991U}) {
    for (std::size_t begin = 0; begin < 9; ++begin) {
      const std::string_view part = std::string_view(bytes).substr(begin, length);
      ASSERT_EQ(crc32c(part), crc32c_portable(part)) << length << " at " << begin;
      ASSERT_EQ(crc32c(part.substr(length / 3), crc32c(part.substr(0, length / 3))), crc32c(part)) << length << " at " << begin;
    }
  }
}

// XXH3 of the empty input with seed 0, as xxHash's own sanity test has it.
TEST(Hash, KnownAnswers) {
  EXPECT_EQ(hash64(""), 0x2D06800538D394C2ULL);
  EXPECT_EQ(hash128("").hex(), "99aa06d3014798d86001c324468d497f");
}

// FIPS 180-4's examples.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, HexadecimalTextIsReadBack) {
  const Hash128 hash = hash128("telltale");
  Hash128 parsed;
  ASSERT_TRUE(Hash128::parse(hash.hex(), parsed));
  EXPECT_EQ(parsed, hash);
  EXPECT_FALSE(Hash128::parse("99aa06d3014798d86001c324468d497", parsed));
  EXPECT_FALSE(Hash128::parse("99aa06d3014798d86001c324468d497g", parsed));
  EXPECT_EQ(parsed, hash) << "a failure leaves the result alone";
}

TEST(KeyedHash, EqualOnlyWithinOneKey) {
  const KeyedHasher one("0123456789abcdef");
  const KeyedHasher same("0123456789abcdef");
  const KeyedHasher other("0123456789abcdeg");
  // Lengths of every code path of XXH3.
  for (const std::size_t length : {0U, 3U, 8U, 16U, 100U, 200U, 1000U, 100'000U}) {
    const std::string text(length, 'x');
    EXPECT_EQ(one(text), same(text)) << length;
    EXPECT_NE(one(text), other(text)) << length;
    EXPECT_NE(one(text), hash128(text)) << length;
  }
}

TEST(KeyedHash, DifferentTextsDiffer) {
  const KeyedHasher hasher("key");
  std::set<Hash128> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(hasher(std::to_string(i)));
  EXPECT_EQ(seen.size(), 1000U);
}

// Stored hashes are compared with ones made by later versions: the derivation may never change.
TEST(KeyedHash, StaysTheSameForever) {
  EXPECT_EQ(KeyedHasher("key")("a stored line").hex(), "7efe6cbc6d1f282a03ef3ebb8d84de80");
}

}  // namespace
}  // namespace telltale::base
