// Cuts the bytes of one origin into blocks of whole lines and remembers how far it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "sources/file/position.h"
#include "sources/text/text_encoding.h"

namespace telltale::sources {

inline constexpr std::size_t read_padding = 128;  // parsers may read (not write) so far beyond a block's end

struct ReadLimits {
  std::uint64_t block_bytes = 0;
  std::uint64_t max_line_bytes = 0;
};

enum class ReadStep : std::uint8_t {
  block,     // there is one
  progress,  // bytes were read that hold no line's end
  end,       // nothing more in the file
  replaced,  // the bytes before the read position are not those that were read: truncated or another file
};

// Bytes to deliver. The reader's state does not move before accept(): a block that nobody took is simply prepared again.
struct LineBlock {
  std::string bytes;       // of the file; has room for padding after its end
  std::uint64_t from = 0;  // range of the file it stands for
  std::uint64_t to = 0;
  std::uint64_t lines = 0;
  bool truncated = false;
  bool unterminated = false;
  std::string rest;  // bytes after `to` that were read already and hold no line's end
  std::string tail;  // last bytes before `to`
};

// Offsets and bytes are those of the file, however its text is written; who takes a block decodes it. Holds no file; every call names it.
// Memory: at most max_line_bytes and a block. One thread.
class LineReader {
 public:
  // Reads on from the read position, at most block_bytes. `skip_hole`: NUL bytes at the file's very beginning are passed over, which a
  // program leaves that goes on at its old offset in a truncated file.
  base::Result<ReadStep> read(base::ReadableFile& file, const ReadLimits& limits, bool skip_hole, LineBlock& out);
  // A last line without its end, once nobody will complete it. False when there is none.
  bool take_unterminated(LineBlock& out) const;
  // The file's first bytes as they are known once the block is delivered.
  std::string head_with(const LineBlock& block) const;
  // The block was delivered: what it stands for is done. `head` is head_with() of it; the bytes are no longer needed.
  void accept(LineBlock& block, std::string head);

  // Goes on where a position says. False when the file does not hold the bytes that the marks are of.
  base::Result<bool> resume(base::ReadableFile& file, const base::KeyedHasher& hasher, const FilePosition& position);
  // Before anything was read.
  base::Status look_at_encoding(base::ReadableFile& file);
  // Everything before `offset` counts as delivered.
  base::Status skip_to(base::ReadableFile& file, std::uint64_t offset);
  // Begins behind the last line end that is there at `size`.
  base::Status start_at_end(base::ReadableFile& file, std::uint64_t size);
  // Are the last bytes before the read position still what was read? Forgets an unfinished line that was rewritten.
  base::Result<bool> verify(base::ReadableFile& file);
  // Does the other file hold the bytes that were read here, as far as it goes (at least one)? `own` is this origin's file while it is
  // whole, else null: then of a shorter file than what was read only the beginning can be compared.
  base::Result<bool> is_copied_in(base::ReadableFile& other, base::ReadableFile* own) const;
  // Does it hold all bytes that were read here, and could this reader go on there? False also where they are too few (below tail_bytes) to
  // tell it from a file that merely begins alike.
  base::Result<bool> is_continued_in(base::ReadableFile& other) const;
  // Frees the memory of an unfinished line; it is read again.
  void forget_partial();

  std::uint64_t offset() const { return offset_; }
  std::uint64_t read_end() const { return scanning_ ? scanned_to_ : offset_ + partial_.size(); }
  std::uint64_t line() const { return line_; }
  void set_line(std::uint64_t line) { line_ = line; }
  // For an origin that has no file to go on with.
  void set_position(std::uint64_t offset, std::uint64_t line) {
    offset_ = offset;
    line_ = line;
  }
  std::size_t partial_size() const { return partial_.size(); }
  bool has_partial() const { return !partial_.empty(); }
  // As the file's first bytes say; TextEncoding::bytes until they were read.
  TextEncoding encoding() const { return encoding_; }
  const std::string& head() const { return head_; }
  const std::string& tail() const { return tail_; }

 private:
  base::Result<ReadStep> scan_long_line(base::ReadableFile& file, const ReadLimits& limits, LineBlock& out);
  ReadStep cut(std::string& buffer, std::size_t fresh, const ReadLimits& limits, LineBlock& out);
  void make_truncated(std::string_view fresh, std::size_t line_end, const ReadLimits& limits, LineBlock& out) const;
  base::Result<bool> pass_hole(base::ReadableFile& file, const ReadLimits& limits);
  std::string recent() const;
  Seam seam(std::uint64_t at, std::string_view before) const;

  std::uint64_t offset_ = 0;  // start of the first line that was not delivered
  std::uint64_t line_ = 0;
  TextEncoding encoding_ = TextEncoding::bytes;
  std::string partial_;    // bytes from offset_ on without a line's end; of an overlong line its first max_line_bytes
  std::string head_;       // first bytes of the file, all before offset_
  std::string tail_;       // last bytes before offset_
  bool scanning_ = false;  // the line at offset_ is too long; its end is looked for
  std::uint64_t scanned_to_ = 0;
  std::string scanned_tail_;  // last bytes before scanned_to_
};

// Does the file hold these bytes there?
base::Result<bool> holds(base::ReadableFile& file, std::uint64_t offset, std::string_view expected);
// Is the file, as far as it was looked at, the same as the other in its first `size` bytes? The first head_bytes and the last tail_bytes of
// them are compared.
base::Result<bool> begins_with(base::ReadableFile& file, base::ReadableFile& other, std::uint64_t size);

}  // namespace telltale::sources
