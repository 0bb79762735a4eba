#include "store/engine/store_id.h"

#include <array>
#include <charconv>

#include "telemetry/log.h"

namespace telltale::store {

namespace {

constexpr std::string_view first_line = "telltale store 1\n";
constexpr std::size_t key_size = 32;
constexpr std::uint64_t file_limit = 4096;

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

bool from_hex(std::string_view hex, std::string& out) {
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc{} || end != hex.data() + i + 2) return false;
    out += static_cast<char>(value);
  }
  return hex.size() % 2 == 0;
}

std::string to_text(const StoreId& id) {
  return std::string(first_line) + "id " + id.id.hex() + "\nepoch " + std::to_string(id.epoch) + "\nkey " + to_hex(id.key) + "\n";
}

// The value of the next line "name value\n".
std::string_view take_line(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(name)) return {};
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return value;
}

bool parse(std::string_view text, StoreId& out) {
  if (!text.starts_with(first_line)) return false;
  text.remove_prefix(first_line.size());
  if (!base::Hash128::parse(take_line(text, "id "), out.id)) return false;
  const std::string_view epoch = take_line(text, "epoch ");
  if (std::from_chars(epoch.data(), epoch.data() + epoch.size(), out.epoch).ec != std::errc{}) return false;
  return from_hex(take_line(text, "key "), out.key) && out.key.size() == key_size;
}

std::string id_path(const std::string& folder) {
  return base::join_path(folder, "store.id");
}

StoreId make_id(base::Random& random) {
  std::array<std::uint8_t, 16 + key_size> bytes{};
  random.fill(bytes);
  StoreId id;
  for (std::size_t i = 0; i < 8; ++i) id.id.high = id.id.high << 8 | bytes[i];
  for (std::size_t i = 8; i < 16; ++i) id.id.low = id.id.low << 8 | bytes[i];
  id.key.assign(bytes.begin() + 16, bytes.end());
  return id;
}

}  // namespace

base::Result<StoreId> read_store_id(base::Files& files, const std::string& folder) {
  auto text = base::read_file(files, id_path(folder), file_limit);
  if (!text) return base::pass(text);
  StoreId id;
  if (!parse(*text, id)) {
    return base::fail(base::ErrorCode::store_corrupt, id_path(folder) + " is not the identity of a store",
                      "Restore it from a backup; or remove it: records stay readable, cursors and hashes for audits become void.");
  }
  return id;
}

base::Result<StoreId> open_store_id(base::Files& files, base::Random& random, const std::string& folder, std::optional<StoreId> present,
                                    const std::optional<SegmentOrigin>& origin, bool lost_segments) {
  if (present && !lost_segments) return std::move(*present);
  StoreId id = present ? std::move(*present) : make_id(random);
  if (present) ++id.epoch;
  if (!present && origin) {
    telemetry::log(telemetry::LogLevel::warning, "store", "{} is gone: the store keeps its identity, raw hashes of before are void",
                   id_path(folder));
    id.id = origin->store_id;
    id.epoch = origin->epoch;
  }
  if (auto written = base::write_file_atomically(files, id_path(folder), to_text(id)); !written) return base::pass(written);
  return id;
}

}  // namespace telltale::store
