#include "store/engine/cursor.h"

#include "base/hash.h"
#include "base/text.h"
#include "store/segment/byte_io.h"

namespace telltale::store {

namespace {

// Store and epoch (4 bytes each), sequence (8), check byte.
constexpr std::size_t cursor_size = 17;

std::string unchecked_bytes(const StoreId& id, Sequence sequence) {
  std::string bytes;
  append_fixed(bytes, static_cast<std::uint32_t>(base::hash64(id.id.hex())));
  append_fixed(bytes, id.epoch);
  append_fixed(bytes, sequence);
  return bytes;
}

}  // namespace

std::string make_cursor(const StoreId& id, Sequence sequence) {
  std::string bytes = unchecked_bytes(id, sequence);
  bytes.push_back(static_cast<char>(base::hash64(bytes)));
  return base::base64url_encode(bytes);
}

base::Result<Sequence> parse_cursor(const StoreId& id, std::string_view text) {
  const auto bytes = base::base64url_decode(text);
  if (!bytes || bytes->size() != cursor_size)
    return base::fail(base::ErrorCode::cursor_invalid, "'" + std::string(text.substr(0, 64)) + "' is no cursor");
  ByteReader reader(std::string_view(*bytes).substr(8));
  const auto sequence = reader.fixed<Sequence>();
  if (make_cursor(id, sequence) != text) {
    return base::fail(base::ErrorCode::cursor_invalid,
                      "the cursor '" + std::string(text) + "' belongs to another store, or to this one before its data was removed");
  }
  return sequence;
}

}  // namespace telltale::store
