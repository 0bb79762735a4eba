#include "sources/follow/follow_cursor.h"

#include <charconv>
#include <utility>

namespace telltale::sources {

namespace {

constexpr char cursor_version = '1';
constexpr std::size_t most_instance_bytes = 4096;

// Numbers of 7 bits a byte, low ones first; signed ones zigzag.
class Writer {
 public:
  explicit Writer(std::string start = {}) : out_(std::move(start)) {}
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void signed_number(std::int64_t value) { number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63)); }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void marks(const std::vector<LineMark>& marks) {
    number(marks.size());
    std::int64_t before = 0;
    for (const LineMark& mark : marks) {
      signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(mark.ms) - static_cast<std::uint64_t>(before)));
      before = mark.ms;
      for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(mark.hash >> shift);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return bad();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return bad();
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  std::string text(std::size_t most) {
    const std::uint64_t size = number();
    if (size > most || size > rest_.size()) return bad(), std::string();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  std::vector<LineMark> marks() {
    const std::uint64_t count = number();
    std::vector<LineMark> marks;
    if (count > rest_.size() / 9) return bad(), marks;
    marks.reserve(count);
    std::int64_t before = 0;
    for (std::uint64_t i = 0; i < count && good_; ++i) {
      LineMark mark;
      mark.ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(signed_number()));
      before = mark.ms;
      if (rest_.size() < 8) return bad(), marks;
      for (int i8 = 7; i8 >= 0; --i8) mark.hash = mark.hash << 8 | static_cast<unsigned char>(rest_[static_cast<std::size_t>(i8)]);
      rest_.remove_prefix(8);
      marks.push_back(mark);
    }
    return marks;
  }
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::uint64_t bad() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string follow_key(std::string_view stream_key) {
  return std::string(follow_key_prefix) + std::string(stream_key);
}

std::string follow_chunk_key(std::string_view stream_key, std::uint64_t chunk) {
  return std::string(follow_chunk_prefix) + std::string(stream_key) + ':' + std::to_string(chunk);
}

std::optional<ChunkName> read_chunk_key(std::string_view key) {
  if (!key.starts_with(follow_chunk_prefix)) return std::nullopt;
  key.remove_prefix(follow_chunk_prefix.size());
  const std::size_t colon = key.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  ChunkName name{std::string(key.substr(0, colon)), 0};
  const std::string_view digits = key.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), name.chunk);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return name;
}

std::string encode_cursor(const FollowCursor& cursor) {
  Writer out(std::string(1, cursor_version));
  out.number(cursor.version);
  out.number(cursor.bytes);
  out.number(cursor.first_chunk);
  out.number(cursor.next_chunk);
  out.text(cursor.instance);
  out.number(cursor.finished ? 1 : 0);
  for (const base::UnixNanos time : {cursor.start, cursor.last, cursor.highest, cursor.uncovered, cursor.stated, cursor.seen})
    out.signed_number(time);
  out.number(cursor.lines);
  out.number(cursor.spans.size());
  for (const LineSpan& span : cursor.spans) {
    out.signed_number(span.first);
    out.signed_number(span.last);
  }
  out.marks(cursor.marks);
  return out.take();
}

std::optional<FollowCursor> decode_cursor(std::string_view value) {
  if (value.empty() || value.front() != cursor_version) return std::nullopt;
  Reader in(value.substr(1));
  FollowCursor cursor;
  cursor.version = in.number();
  cursor.bytes = in.number();
  cursor.first_chunk = in.number();
  cursor.next_chunk = in.number();
  cursor.instance = in.text(most_instance_bytes);
  const std::uint64_t finished = in.number();
  cursor.finished = finished == 1;
  for (base::UnixNanos* time : {&cursor.start, &cursor.last, &cursor.highest, &cursor.uncovered, &cursor.stated, &cursor.seen})
    *time = in.signed_number();
  cursor.lines = in.number();
  const std::uint64_t spans = in.number();
  for (std::uint64_t i = 0; i < spans && i < most_spans; ++i) {
    const base::UnixNanos first = in.signed_number();
    cursor.spans.push_back({first, in.signed_number()});
  }
  cursor.marks = in.marks();
  if (!in.at_end() || finished > 1 || spans > most_spans || cursor.next_chunk < cursor.first_chunk) return std::nullopt;
  return cursor;
}

std::string encode_marks(const std::vector<LineMark>& marks) {
  Writer out(std::string(1, cursor_version));
  out.marks(marks);
  return out.take();
}

std::optional<std::vector<LineMark>> decode_marks(std::string_view value) {
  if (value.empty() || value.front() != cursor_version) return std::nullopt;
  Reader in(value.substr(1));
  std::vector<LineMark> marks = in.marks();
  if (!in.at_end()) return std::nullopt;
  return marks;
}

std::optional<FollowProgress> read_follow_progress(std::string_view value) {
  if (value.empty() || value.front() != cursor_version) return std::nullopt;
  Reader in(value.substr(1));
  FollowProgress progress;
  progress.version = in.number();
  progress.bytes = in.number();
  progress.first_chunk = in.number();
  if (!in.good()) return std::nullopt;
  return progress;
}

}  // namespace telltale::sources
