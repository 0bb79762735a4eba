#include "net/ws/handshake.h"

#include <array>

#include <openssl/evp.h>

#include "base/assert.h"

namespace telltale::net {

namespace {
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t key_bytes = 16;
}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

bool ws_key_valid(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  std::array<unsigned char, key_bytes + 2> decoded{};
  if (EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size())) < 0) return false;
  const std::string_view bytes(reinterpret_cast<const char*>(decoded.data()), key_bytes);
  return base64_encode(bytes) == key;
}

std::string ws_accept_value(std::string_view key) {
  const std::string text = std::string(key) + std::string(accept_guid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  TT_ASSERT(done == 1, "the WebSocket handshake needs SHA-1");
  return base64_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace telltale::net
