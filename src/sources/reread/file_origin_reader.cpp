#include "sources/reread/file_origin_reader.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sources/file/position.h"
#include "sources/file/rotation_name.h"
#include "sources/packed/packed_file.h"
#include "sources/text/text_encoding.h"

namespace telltale::sources {

namespace {

constexpr std::uint64_t unpack_step = 1024 * 1024;
constexpr std::uint64_t most_unpacked_bytes = 256 * 1024 * 1024;  // of larger ones only so much is compared

class OpenedFile final : public OriginBytes {
 public:
  OpenedFile(std::unique_ptr<base::ReadableFile> file, const base::FileInfo& info, bool certain)
      : file_(std::move(file)), size_(info.size), modified_(info.modify_time), certain_(certain) {
    std::string head(3, '\0');  // a byte order mark
    const auto got = file_->read_at(0, head);
    encoding_ = encoding_of(std::string_view(head).substr(0, got.value_or(0)));
  }
  std::uint64_t size() const override { return size_; }
  base::UnixNanos modified() const override { return modified_; }
  bool is_certain() const override { return certain_; }
  std::string as_delivered(std::uint64_t from, std::string bytes) const override {
    return is_delivered_as_is() ? std::move(bytes) : to_utf8(encoding_, bytes, from == 0);
  }
  bool is_delivered_as_is() const override { return encoding_ == TextEncoding::bytes; }
  base::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override { return file_->read_at(offset, out); }

 private:
  const std::unique_ptr<base::ReadableFile> file_;
  const std::uint64_t size_;
  const base::UnixNanos modified_;
  const bool certain_;
  TextEncoding encoding_ = TextEncoding::bytes;
};

std::optional<FilePosition> decode(const record::Position& position) {
  if (!position.key.starts_with(position_key_prefix)) return std::nullopt;
  return decode_position(position.value);
}

enum class Mark : std::uint8_t { none, fits, differs };  // none: there are no bytes to compare, or not in the file any more

base::Result<Mark> compare(base::ReadableFile& file, const base::KeyedHasher& hasher, const ContentMark& mark, std::uint64_t offset) {
  if (mark.length == 0) return Mark::none;
  std::string bytes(mark.length, '\0');
  const auto got = file.read_at(offset, bytes);
  if (!got) return std::unexpected(got.error());
  if (*got < bytes.size()) return Mark::none;
  return mark_of(hasher, bytes) == mark ? Mark::fits : Mark::differs;
}

// Whether the file holds the bytes that the position remembers. Of a file that is shorter than what was read the beginning decides; one
// whose beginning was changed is known by the bytes before the offset.
base::Result<bool> holds(base::ReadableFile& file, const base::KeyedHasher& hasher, const FilePosition& position) {
  const auto head = compare(file, hasher, position.head, 0);
  if (!head) return std::unexpected(head.error());
  if (*head == Mark::fits) return true;
  const auto tail = compare(file, hasher, position.tail, position.offset - std::min<std::uint64_t>(position.offset, position.tail.length));
  if (!tail) return std::unexpected(tail.error());
  return *tail == Mark::fits;
}

struct Opened {
  std::unique_ptr<base::ReadableFile> file;
  base::FileInfo info;  // of a compressed file its own, but the size is of the unpacked bytes
};

// A compressed file is unpacked once to know its size.
base::Result<Opened> open_unpacked(base::Files& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) return base::pass(file);
  auto info = (*file)->info();
  if (!info) return base::pass(info);
  const Packing packing = packing_of(path);
  if (packing == Packing::none) return Opened{std::move(*file), *info};
  auto packed = std::make_unique<PackedFile>(std::move(*file), packing, std::nullopt);
  while (packed->verdict().end == PackedEnd::unknown && packed->verdict().size < most_unpacked_bytes) {
    if (auto unpacked = packed->advance(unpack_step); !unpacked) return base::pass(unpacked);
  }
  info->size = packed->verdict().size;
  return Opened{std::move(packed), *info};
}

// Paths under which it was known, newest first, then what stands beside the first one under a rotated form of its name.
std::vector<std::string> candidates(base::Files& files, const FilePosition& position) {
  std::vector<std::string> paths(position.paths.rbegin(), position.paths.rend());
  if (paths.empty()) return paths;
  const std::string& lineage = position.paths.front();
  const std::string folder = base::parent_path(lineage);
  const auto names = files.list(folder);
  if (!names) return paths;
  for (const std::string& name : *names) {
    const std::string path = base::join_path(folder, name);
    const bool readable = !is_compressed_name(name) || packing_of(name) != Packing::none;
    if (!readable || !is_sibling_path(path, lineage)) continue;
    if (std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

}  // namespace

bool FileOriginReader::can_reopen(const record::Position& position) const {
  return position.key.starts_with(position_key_prefix);
}

base::UnixNanos FileOriginReader::first_seen(const record::Position& position) const {
  const auto decoded = decode(position);
  return decoded ? decoded->first_seen : 0;
}

base::UnixNanos FileOriginReader::born(const record::Position& position) const {
  const auto decoded = decode(position);
  return decoded ? decoded->identity.birth : 0;
}

base::Result<std::unique_ptr<OriginBytes>> FileOriginReader::reopen(const record::Position& position) const {
  const auto decoded = decode(position);
  if (!decoded) return nullptr;
  std::unique_ptr<OriginBytes> copy;    // other file, same bytes
  std::unique_ptr<OriginBytes> second;  // same file, other bytes
  base::Status trouble;
  for (const std::string& path : candidates(files_, *decoded)) {
    auto opened = open_unpacked(files_, path);
    if (!opened && opened.error().code != base::ErrorCode::file_not_found) trouble = base::pass(opened);
    if (!opened) continue;
    const auto fits = holds(*opened->file, hasher_, *decoded);
    if (!fits) {
      trouble = std::unexpected(fits.error());
      continue;
    }
    const bool same = FileIdentity::of(opened->info).same_file(decoded->identity);
    if (same && *fits) return std::make_unique<OpenedFile>(std::move(opened->file), opened->info, true);
    if (*fits && copy == nullptr) {
      copy = std::make_unique<OpenedFile>(std::move(opened->file), opened->info, true);
    } else if (same && second == nullptr) {
      second = std::make_unique<OpenedFile>(std::move(opened->file), opened->info, false);
    }
  }
  if (copy != nullptr) return copy;
  if (second != nullptr) return second;
  if (!trouble) return std::unexpected(trouble.error());
  return nullptr;
}

}  // namespace telltale::sources
