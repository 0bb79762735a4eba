#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "base/assert.h"
#include "base/encoding.h"

namespace telltale::base {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

bool parse_half(std::string_view hex, std::uint64_t& out) {
  out = 0;
  for (const char digit : hex) {
    const int value = hex_value(digit);
    if (value < 0) return false;
    out = (out << 4) | static_cast<std::uint64_t>(value);
  }
  return true;
}

// HKDF (RFC 5869) with SHA-512 and without salt.
void derive(std::string_view key, std::string_view purpose, std::span<unsigned char> out) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr);
  TT_ASSERT(kdf != nullptr, "OpenSSL has HKDF");
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  TT_ASSERT(context != nullptr, "OpenSSL makes a context");
  // OpenSSL's parameters take mutable pointers and do not write through them.
  char digest[] = "SHA512";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(key.data()), key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(purpose.data()), purpose.size()),
      OSSL_PARAM_construct_end(),
  };
  const bool derived = EVP_KDF_derive(context, out.data(), out.size(), parameters) == 1;
  EVP_KDF_CTX_free(context);
  TT_ASSERT(derived, "HKDF derives from any key that is not empty");
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest) {
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
  return text;
}

std::string Hash128::hex() const {
  std::string text(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[15 - i] = hex_digits[(high >> (4 * i)) & 15];
    text[31 - i] = hex_digits[(low >> (4 * i)) & 15];
  }
  return text;
}

bool Hash128::parse(std::string_view hex, Hash128& out) {
  Hash128 parsed;
  if (hex.size() != 32 || !parse_half(hex.substr(0, 16), parsed.high) || !parse_half(hex.substr(16), parsed.low)) return false;
  out = parsed;
  return true;
}

std::uint64_t hash64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Hash128 hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

KeyedHasher::KeyedHasher(std::string_view key) {
  TT_ASSERT(!key.empty(), "a keyed hash needs a key");
  derive(key, "telltale keyed hash 1", secret_);
}

Hash128 KeyedHasher::operator()(std::string_view bytes) const {
  const XXH128_hash_t hash = XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_.data(), secret_.size());
  return {hash.high64, hash.low64};
}

}  // namespace telltale::base
