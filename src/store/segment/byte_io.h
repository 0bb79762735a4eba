// Bytes, varints (LEB128) and little-endian numbers in memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace telltale::store {

static_assert(std::endian::native == std::endian::little, "the format is written with plain copies of numbers");

inline constexpr std::size_t max_varint_size = 10;

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
// Differences of times wrap instead of overflowing: decoding adds them back the same way.
constexpr std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// Grows without clearing, keeps its memory when cleared. The put functions check nothing: call reserve() for what follows first.
class ByteBuffer {
 public:
  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  char* data() { return data_.get(); }
  std::string_view view() const { return {data_.get(), size_}; }
  void set_size(std::size_t size) { size_ = size; }
  // Room for `more` bytes.
  void reserve(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
  }
  void append(std::string_view bytes) {
    reserve(bytes.size());
    put_bytes(bytes);
  }

  void put_bytes(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void put_byte(std::uint8_t value) { data_[size_++] = static_cast<char>(value); }
  void put_varint(std::uint64_t value) {
    while (value >= 0x80) {
      data_[size_++] = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    data_[size_++] = static_cast<char>(value);
  }
  template <class Number>
  void put_fixed(Number value) {
    std::memcpy(data_.get() + size_, &value, sizeof value);
    size_ += sizeof value;
  }

 private:
  void grow(std::size_t more) {
    std::size_t capacity = capacity_ < 256 ? 256 : capacity_ * 2;
    if (capacity < size_ + more) capacity = size_ + more;
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// For small things off the hot path.
void append_varint(std::string& out, std::uint64_t value);
void append_text(std::string& out, std::string_view text);  // length, bytes
template <class Number>
void append_fixed(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Reads untrusted bytes: what is not there reads as zero and makes failed() true for good.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : cursor_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool failed() const { return failed_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - cursor_); }
  std::string_view rest() const { return {cursor_, left()}; }

  std::uint8_t byte() {
    if (cursor_ == end_) return fail();
    return static_cast<std::uint8_t>(*cursor_++);
  }
  std::uint64_t varint() {
    if (cursor_ != end_ && static_cast<std::uint8_t>(*cursor_) < 0x80) [[likely]] {
      return static_cast<std::uint8_t>(*cursor_++);
    }
    return long_varint();
  }
  // A varint that must fit; anything larger fails.
  std::uint32_t varint32() {
    const std::uint64_t value = varint();
    return value > UINT32_MAX ? fail() : static_cast<std::uint32_t>(value);
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  template <class Number>
  Number fixed() {
    Number value{};
    if (left() < sizeof value) {
      fail();
      return value;
    }
    std::memcpy(&value, cursor_, sizeof value);
    cursor_ += sizeof value;
    return value;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    std::string_view out(cursor_, static_cast<std::size_t>(size));
    cursor_ += size;
    return out;
  }
  std::string_view text() { return bytes(varint()); }
  std::uint8_t fail() {
    failed_ = true;
    cursor_ = end_;
    return 0;
  }

 private:
  std::uint64_t long_varint();

  const char* cursor_;
  const char* end_;
  bool failed_ = false;
};

}  // namespace telltale::store
