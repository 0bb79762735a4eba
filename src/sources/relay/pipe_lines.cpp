#include "sources/relay/pipe_lines.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

namespace {

// A line that came in pieces goes with those behind it, unless it is long: a message must hold the block.
constexpr std::size_t short_line = 16 * 1024;

}  // namespace

PipeBlock PipeLines::make_block(std::string bytes, std::uint64_t size, std::uint64_t lines, base::MonoNanos read,
                                std::optional<base::MonoNanos> dry) {
  PipeBlock block;
  block.from = at_;
  block.to = {at_.offset + size, at_.line + lines};
  block.truncated = bytes.size() < size;
  block.bytes = std::move(bytes);
  block.read = read;
  block.dry = dry;
  at_ = block.to;
  return block;
}

void PipeLines::end_partial(std::string_view end_of_line, base::MonoNanos read, std::vector<PipeBlock>& out) {
  const std::uint64_t size = partial_size_ + end_of_line.size();
  std::string bytes = std::exchange(partial_, {});
  // Beyond the limit the line's end is no part of what is kept.
  if (size <= max_line_bytes_ + 1) bytes += end_of_line;
  partial_size_ = 0;
  out.push_back(make_block(std::move(bytes), size, 1, read, partial_dry_));
}

void PipeLines::take(std::string_view bytes, base::MonoNanos read, std::optional<base::MonoNanos> dry, std::vector<PipeBlock>& out) {
  const std::size_t last = bytes.rfind('\n');
  std::string_view rest = last == std::string_view::npos ? bytes : bytes.substr(last + 1);
  if (last != std::string_view::npos) {
    std::string_view whole = bytes.substr(0, last + 1);
    const std::size_t first = whole.find('\n') + 1;
    if (partial_size_ + first > short_line) {
      end_partial(whole.substr(0, first), read, out);
      whole.remove_prefix(first);
    }
    if (!whole.empty()) {
      const std::uint64_t size = partial_size_ + whole.size();
      const auto since = partial_size_ > 0 ? partial_dry_ : dry;
      partial_size_ = 0;
      const auto lines = static_cast<std::uint64_t>(std::ranges::count(whole, '\n'));
      out.push_back(make_block(std::exchange(partial_, {}) + std::string(whole), size, lines, read, since));
    }
  }
  if (rest.empty()) return;
  if (partial_size_ == 0) partial_dry_ = dry;
  partial_size_ += rest.size();
  partial_ += rest.substr(0, max_line_bytes_ - std::min<std::uint64_t>(partial_.size(), max_line_bytes_));
}

std::optional<PipeBlock> PipeLines::finish(base::MonoNanos read) {
  if (partial_size_ == 0) return std::nullopt;
  const std::uint64_t size = std::exchange(partial_size_, 0);
  PipeBlock block = make_block(std::exchange(partial_, {}), size, 1, read, partial_dry_);
  block.unterminated = true;
  return block;
}

}  // namespace telltale::sources
