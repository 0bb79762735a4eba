#include "sources/file/line_reader.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace telltale::sources {
namespace {

constexpr std::size_t small_partial = 64 * 1024;  // up to here an unfinished line is copied into the buffer that is read into
constexpr std::size_t mark_bytes = 3;             // of the longest byte order mark
constexpr std::size_t scan_bytes = 256 * 1024;    // of one look for the end of an overlong line

std::string_view last(std::string_view text, std::size_t count) {
  return text.substr(text.size() - std::min(text.size(), count));
}

void keep_last(std::string& kept, std::string_view more) {
  if (more.size() >= tail_bytes) {
    kept.assign(last(more, tail_bytes));
    return;
  }
  kept.append(more);
  if (kept.size() > tail_bytes) kept.erase(0, kept.size() - tail_bytes);
}

// Makes `buffer` hold its first `keep` bytes and up to `count` bytes of the file at `offset`; returns how many those are.
base::Result<std::size_t> read_behind(base::ReadableFile& file, std::uint64_t offset, std::size_t count, std::size_t keep,
                                      std::string& buffer) {
  base::Result<std::size_t> got = std::size_t{0};
  buffer.reserve(keep + count + read_padding);
  buffer.resize_and_overwrite(keep + count, [&](char* data, std::size_t) {
    got = file.read_at(offset, {data + keep, count});
    return keep + (got ? *got : 0);
  });
  return got;
}

// Start of the first line longer than `limit` in text that ends with a line's end; npos when there is none.
std::size_t find_long_line(TextEncoding encoding, std::string_view text, std::uint64_t limit) {
  std::size_t start = 0;
  const std::size_t unit = unit_of(encoding);
  while (text.size() - start > limit + unit) {
    const std::size_t end = find_last_line_end(encoding, text.substr(start, limit + unit));
    if (end == std::string_view::npos) return start;
    start += end;
  }
  return std::string_view::npos;
}

std::uint64_t count_lines(TextEncoding encoding, std::string_view text) {
  if (unit_of(encoding) == 1) return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  std::uint64_t lines = 0;
  for (std::size_t end = find_line_end(encoding, text); end != std::string_view::npos; end = find_line_end(encoding, text)) {
    ++lines;
    text.remove_prefix(end);
  }
  return lines;
}

}  // namespace

base::Result<bool> holds(base::ReadableFile& file, std::uint64_t offset, std::string_view expected) {
  std::string found;
  auto got = read_behind(file, offset, expected.size(), 0, found);
  if (!got) return base::pass(got);
  return found == expected;
}

std::string LineReader::recent() const {
  if (scanning_) return scanned_tail_;
  std::string text = tail_;
  keep_last(text, partial_);
  return text;
}

base::Result<ReadStep> LineReader::read(base::ReadableFile& file, const ReadLimits& limits, bool skip_hole, LineBlock& out) {
  if (scanning_) return scan_long_line(file, limits, out);
  if (skip_hole && offset_ == 0 && partial_.empty()) {
    auto more = pass_hole(file, limits);
    if (!more) return base::pass(more);
    if (!*more) return ReadStep::end;
  }
  const bool direct = partial_.size() <= small_partial;
  std::string buffer;
  if (direct) {
    buffer.reserve(partial_.size() + limits.block_bytes + read_padding);
    buffer = partial_;
  }
  const std::size_t keep = buffer.size();
  auto got = read_behind(file, read_end(), limits.block_bytes, keep, buffer);
  if (!got) return base::pass(got);
  // Looked at after reading: what was before the read position then was there all the time.
  const auto whole = verify(file);
  if (!whole) return std::unexpected(whole.error());
  if (!*whole) return ReadStep::replaced;
  if (*got == 0) return ReadStep::end;
  return cut(buffer, *got, limits, out);
}

// Where a search for line ends goes on at `at`, behind `before`. Lines begin at a unit's beginning.
Seam LineReader::seam(std::uint64_t at, std::string_view before) const {
  const bool odd = unit_of(encoding_) == 2 && (at - offset_) % 2 != 0;
  return {.odd = odd, .last = odd ? before.back() : '\0'};
}

// The last `fresh` bytes of the buffer are new; before them stands the unfinished line, or nothing when that is long.
ReadStep LineReader::cut(std::string& buffer, std::size_t fresh, const ReadLimits& limits, LineBlock& out) {
  const std::string_view news = std::string_view(buffer).substr(buffer.size() - fresh);
  if (offset_ == 0) encoding_ = encoding_of(partial_.empty() || buffer.size() > fresh ? buffer : partial_);
  const Seam before_news = seam(read_end(), partial_);
  const std::size_t first_line = find_line_end(encoding_, news, before_news);
  if (first_line == std::string_view::npos) {
    const std::uint64_t reached = read_end() + fresh;
    if (partial_.size() + fresh > limits.max_line_bytes) {
      scanned_tail_ = recent();
      keep_last(scanned_tail_, news);
      scanned_to_ = reached;
      scanning_ = true;
    }
    partial_.append(news.substr(0, limits.max_line_bytes - std::min<std::size_t>(partial_.size(), limits.max_line_bytes)));
    return ReadStep::progress;
  }
  if (partial_.size() + first_line > limits.max_line_bytes + unit_of(encoding_)) {
    make_truncated(news, first_line, limits, out);
    return ReadStep::block;
  }
  std::size_t cut = find_last_line_end(encoding_, news, before_news);
  if (const auto inner = find_long_line(encoding_, news.substr(first_line, cut - first_line), limits.max_line_bytes);
      inner != std::string_view::npos)
    cut = first_line + inner;
  out = LineBlock{};
  out.from = offset_;
  out.to = read_end() + cut;
  out.rest.assign(news.substr(cut));
  if (out.rest.size() > limits.max_line_bytes || find_line_end(encoding_, out.rest) != std::string::npos) out.rest.clear();
  const std::size_t before = buffer.size() - fresh;
  buffer.resize(before + cut);
  if (before == partial_.size()) {
    out.bytes = std::move(buffer);
  } else {
    out.bytes.reserve(partial_.size() + buffer.size() + read_padding);
    out.bytes.append(partial_).append(buffer);
  }
  out.lines = count_lines(encoding_, out.bytes);
  out.tail = tail_;
  keep_last(out.tail, last(out.bytes, tail_bytes));
  return ReadStep::block;
}

// The line that began before `fresh` or with it ends before fresh[line_end] and is too long.
void LineReader::make_truncated(std::string_view fresh, std::size_t line_end, const ReadLimits& limits, LineBlock& out) const {
  out = LineBlock{};
  out.from = offset_;
  out.to = read_end() + line_end;
  out.bytes.reserve(limits.max_line_bytes + read_padding);
  out.bytes.assign(partial_);
  const std::size_t text = line_end - std::min(line_end, unit_of(encoding_));
  out.bytes.append(
      fresh.substr(0, std::min<std::size_t>(text, limits.max_line_bytes - std::min<std::size_t>(partial_.size(), limits.max_line_bytes))));
  out.bytes.resize(without_cut_character(encoding_, out.bytes).size());
  out.bytes.append(line_end_of(encoding_));
  out.lines = 1;
  out.truncated = true;
  out.tail = recent();
  keep_last(out.tail, fresh.substr(0, line_end));
}

base::Result<ReadStep> LineReader::scan_long_line(base::ReadableFile& file, const ReadLimits& limits, LineBlock& out) {
  std::string buffer;
  auto got = read_behind(file, scanned_to_, scan_bytes, 0, buffer);
  if (!got) return base::pass(got);
  const auto whole = verify(file);
  if (!whole) return std::unexpected(whole.error());
  if (!*whole) return ReadStep::replaced;
  if (!scanning_) return ReadStep::progress;
  if (*got == 0) return ReadStep::end;
  const std::size_t line_end = find_line_end(encoding_, buffer, seam(scanned_to_, scanned_tail_));
  if (line_end != std::string::npos) {
    make_truncated(buffer, line_end, limits, out);
    return ReadStep::block;
  }
  keep_last(scanned_tail_, buffer);
  scanned_to_ += buffer.size();
  return ReadStep::progress;
}

// Moves the offset behind the NUL bytes at the beginning; false when there is nothing but them.
base::Result<bool> LineReader::pass_hole(base::ReadableFile& file, const ReadLimits& limits) {
  std::uint64_t at = 0;
  std::string buffer;
  while (true) {
    auto got = read_behind(file, at, limits.block_bytes, 0, buffer);
    if (!got) return base::pass(got);
    if (*got == 0) return false;
    const std::size_t data = buffer.find_first_not_of('\0');
    if (data != std::string::npos) {
      at += data;
      break;
    }
    at += buffer.size();
  }
  if (at == 0) return true;
  offset_ = at;
  head_.assign(std::min<std::uint64_t>(at, head_bytes), '\0');
  tail_.assign(std::min<std::uint64_t>(at, tail_bytes), '\0');
  return true;
}

bool LineReader::take_unterminated(LineBlock& out) const {
  if (partial_.empty() || (offset_ == 0 && partial_ == mark_of_encoding(encoding_))) return false;
  out = LineBlock{};
  out.from = offset_;
  out.to = read_end();
  out.bytes.reserve(partial_.size() + read_padding);
  out.bytes.append(partial_);
  out.lines = 1;
  out.truncated = scanning_;
  out.unterminated = true;
  out.tail = recent();
  return true;
}

std::string LineReader::head_with(const LineBlock& block) const {
  std::string head = head_;
  std::string_view known = block.bytes;
  if (block.truncated && !block.unterminated) known.remove_suffix(1);  // the line's end stands farther on
  if (head.size() == block.from && head.size() < head_bytes) head.append(known, 0, head_bytes - head.size());
  return head;
}

void LineReader::accept(LineBlock& block, std::string head) {
  TT_ASSERT(block.from == offset_, "blocks are accepted in order");
  head_ = std::move(head);
  offset_ = block.to;
  line_ += block.lines;
  partial_ = std::move(block.rest);
  tail_ = std::move(block.tail);
  scanning_ = false;
}

base::Result<bool> LineReader::resume(base::ReadableFile& file, const base::KeyedHasher& hasher, const FilePosition& position) {
  auto info = file.info();
  if (!info) return base::pass(info);
  if (info->size < position.offset) return false;
  std::string head;
  std::string tail;
  if (auto got = read_behind(file, 0, position.head.length, 0, head); !got) return base::pass(got);
  if (auto got = read_behind(file, position.offset - position.tail.length, position.tail.length, 0, tail); !got) return base::pass(got);
  if (mark_of(hasher, head) != position.head || mark_of(hasher, tail) != position.tail) return false;
  *this = LineReader();
  encoding_ = encoding_of(head);
  offset_ = position.offset;
  line_ = position.line;
  head_ = std::move(head);
  tail_ = std::move(tail);
  return true;
}

base::Status LineReader::look_at_encoding(base::ReadableFile& file) {
  std::string mark;
  if (auto got = read_behind(file, 0, mark_bytes, 0, mark); !got) return base::pass(got);
  encoding_ = encoding_of(mark);
  return {};
}

base::Status LineReader::start_at_end(base::ReadableFile& file, std::uint64_t size) {
  std::string buffer;
  if (auto known = look_at_encoding(file); !known) return known;
  const TextEncoding encoding = encoding_;
  std::uint64_t end = size;
  while (end > 0) {
    const std::uint64_t from = (end - std::min<std::uint64_t>(end, scan_bytes)) / 2 * 2;  // a unit's beginning
    if (auto got = read_behind(file, from, end - from, 0, buffer); !got) return base::pass(got);
    const std::size_t line_end = find_last_line_end(encoding, buffer);
    if (line_end != std::string::npos) {
      end = from + line_end;
      break;
    }
    end = from;
  }
  return skip_to(file, end);
}

base::Status LineReader::skip_to(base::ReadableFile& file, std::uint64_t offset) {
  const std::uint64_t line = line_;
  *this = LineReader();
  offset_ = offset;
  line_ = line;
  if (auto got = read_behind(file, 0, std::min<std::uint64_t>(offset, head_bytes), 0, head_); !got) return base::pass(got);
  encoding_ = encoding_of(head_);
  const std::uint64_t tail = std::min<std::uint64_t>(offset, tail_bytes);
  if (auto got = read_behind(file, offset - tail, tail, 0, tail_); !got) return base::pass(got);
  return {};
}

base::Result<bool> LineReader::verify(base::ReadableFile& file) {
  if (read_end() == 0) return true;
  const std::string expected = recent();
  auto same = holds(file, read_end() - expected.size(), expected);
  if (!same || *same) return same;
  if (read_end() == offset_) return false;
  auto before = holds(file, offset_ - tail_.size(), tail_);
  if (before && *before && offset_ > 0) forget_partial();
  if (offset_ == 0) return false;
  return before;
}

base::Result<bool> LineReader::is_copied_in(base::ReadableFile& other, base::ReadableFile* own) const {
  auto info = other.info();
  if (!info) return base::pass(info);
  const std::uint64_t known = std::min(offset_, info->size);
  if (known == 0) return false;
  auto same = holds(other, 0, std::string_view(head_).substr(0, known));
  if (!same || !*same) return same;
  if (known == offset_) return holds(other, offset_ - tail_.size(), tail_);
  if (own == nullptr) return head_.size() >= std::min<std::uint64_t>(known, head_bytes);
  const std::uint64_t size = std::min<std::uint64_t>(known, tail_bytes);
  std::string mine;
  if (auto got = read_behind(*own, known - size, size, 0, mine); !got) return base::pass(got);
  if (mine.size() != size) return false;
  return holds(other, known - size, mine);
}

base::Result<bool> LineReader::is_continued_in(base::ReadableFile& other) const {
  const std::string expected = recent();
  if (expected.size() < tail_bytes) return false;
  auto same = holds(other, 0, head_);
  if (!same || !*same) return same;
  return holds(other, read_end() - expected.size(), expected);
}

base::Result<bool> begins_with(base::ReadableFile& file, base::ReadableFile& other, std::uint64_t size) {
  std::string beginning;
  std::string end;
  const std::uint64_t tail = std::min<std::uint64_t>(size, tail_bytes);
  if (auto got = read_behind(other, 0, std::min<std::uint64_t>(size, head_bytes), 0, beginning); !got) return base::pass(got);
  if (auto got = read_behind(other, size - tail, tail, 0, end); !got) return base::pass(got);
  auto same = holds(file, 0, beginning);
  if (!same || !*same) return same;
  return holds(file, size - tail, end);
}

void LineReader::forget_partial() {
  partial_.clear();
  partial_.shrink_to_fit();
  scanning_ = false;
}

}  // namespace telltale::sources
