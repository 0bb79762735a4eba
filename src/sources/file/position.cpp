#include "sources/file/position.h"

#include <charconv>

#include <fmt/format.h>

namespace telltale::sources {
namespace {

constexpr std::uint64_t format_version = 1;

// Fields are separated by one space; a text is written as its length, a colon and its bytes, so any path can be held.
class Writer {
 public:
  void number(std::uint64_t value) { fmt::format_to(std::back_inserter(out_), "{} ", value); }
  void text(std::string_view value) { fmt::format_to(std::back_inserter(out_), "{}:{} ", value.size(), value); }
  void mark(const ContentMark& value) {
    number(value.length);
    fmt::format_to(std::back_inserter(out_), "{} ", value.hash.hex());
  }
  void identity(const FileIdentity& value) {
    number(value.inode);
    number(static_cast<std::uint64_t>(value.birth));
    number(value.device);
  }
  std::string take() {
    out_.pop_back();
    return std::move(out_);
  }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::uint64_t number(char end = ' ') {
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{}) return bad();
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    end_field(end);
    return value;
  }
  std::string text() {
    const std::uint64_t size = number(':');
    if (!good_ || size > rest_.size()) return bad(), std::string();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    end_field(' ');
    return value;
  }
  ContentMark mark() {
    ContentMark value;
    value.length = static_cast<std::uint32_t>(number());
    const std::string_view hex = rest_.substr(0, 32);
    if (!good_ || !base::Hash128::parse(hex, value.hash)) return bad(), value;
    rest_.remove_prefix(hex.size());
    end_field(' ');
    return value;
  }
  FileIdentity identity() {
    FileIdentity value;
    value.inode = number();
    value.birth = static_cast<base::UnixNanos>(number());
    value.device = number();
    return value;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::uint64_t bad() {
    good_ = false;
    return 0;
  }
  void end_field(char end) {
    if (rest_.empty() && end == ' ') return;
    if (rest_.empty() || rest_.front() != end) {
      bad();
      return;
    }
    rest_.remove_prefix(1);
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

ContentMark mark_of(const base::KeyedHasher& hasher, std::string_view bytes) {
  std::string text = fmt::format("{}:", bytes.size());
  text.append(bytes);
  return {static_cast<std::uint32_t>(bytes.size()), hasher(text)};
}

std::string position_key(const base::Hash128& origin) {
  return std::string(position_key_prefix) + origin.hex();
}

std::string encode_position(const FilePosition& position) {
  Writer out;
  out.number(format_version);
  out.number(position.version);
  out.number(position.offset);
  out.number(position.line);
  out.number(position.size);
  out.number(static_cast<std::uint64_t>(position.first_seen));
  out.identity(position.identity);
  out.mark(position.head);
  out.mark(position.tail);
  out.text(position.host);
  out.text(position.source);
  out.number(position.paths.size());
  for (const auto& path : position.paths) out.text(path);
  out.number(position.copies.size());
  for (const auto& copy : position.copies) out.identity(copy);
  if (position.end_told) out.number(1);
  return out.take();
}

std::optional<FilePosition> decode_position(std::string_view value) {
  Reader in(value);
  if (in.number() != format_version) return std::nullopt;
  FilePosition position;
  position.version = in.number();
  position.offset = in.number();
  position.line = in.number();
  position.size = in.number();
  position.first_seen = static_cast<base::UnixNanos>(in.number());
  position.identity = in.identity();
  position.head = in.mark();
  position.tail = in.mark();
  position.host = in.text();
  position.source = in.text();
  const std::uint64_t paths = in.number();
  for (std::uint64_t i = 0; in.good() && i < paths; ++i) position.paths.push_back(in.text());
  const std::uint64_t copies = in.number();
  for (std::uint64_t i = 0; in.good() && i < copies; ++i) position.copies.push_back(in.identity());
  if (in.good() && !in.at_end()) position.end_told = in.number() == 1;
  const bool usable = in.good() && in.at_end() && !position.paths.empty() && position.head.length <= head_bytes &&
                      position.tail.length <= tail_bytes && position.tail.length <= position.offset &&
                      position.head.length <= position.offset;
  if (!usable) return std::nullopt;
  return position;
}

std::optional<PositionProgress> read_progress(std::string_view value) {
  Reader in(value);
  if (in.number() != format_version) return std::nullopt;
  PositionProgress progress;
  progress.version = in.number();
  progress.offset = in.number();
  if (!in.good()) return std::nullopt;
  return progress;
}

}  // namespace telltale::sources
