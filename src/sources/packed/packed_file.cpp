#include "sources/packed/packed_file.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::sources {
namespace {

constexpr std::size_t input_bytes = 64 * 1024;
constexpr std::size_t output_bytes = 256 * 1024;
constexpr std::uint64_t kept_bytes = 4096;  // before the last read: what a reader compares with
constexpr std::uint64_t always_unpacked = std::uint64_t{1} << 30;
constexpr std::uint64_t most_growth = 1000;

}  // namespace

std::uint64_t most_unpacked(std::uint64_t packed_bytes) {
  return std::max(always_unpacked, packed_bytes * most_growth);
}

PackedFile::PackedFile(std::unique_ptr<base::ReadableFile> packed, Packing packing, std::optional<std::uint64_t> size)
    : packed_(std::move(packed)), packing_(packing), size_(size) {
  begin();
}

void PackedFile::begin() {
  unpacker_ = make_unpacker(packing_);
  input_.clear();
  input_taken_ = 0;
  input_end_ = 0;
  at_end_ = false;
  state_ = UnpackState::going;
  window_.clear();
  window_from_ = 0;
  verdict_ = {};
}

void PackedFile::end(PackedEnd how, std::string reason) {
  verdict_.end = how;
  verdict_.reason = std::move(reason);
}

base::Status PackedFile::fill() {
  if (input_end_ == 0) {
    auto info = packed_->info();
    if (!info) return base::pass(info);
    limit_ = most_unpacked(info->size);
  }
  base::Result<std::size_t> got = std::size_t{0};
  input_.resize_and_overwrite(input_bytes, [&](char* data, std::size_t size) {
    got = packed_->read_at(input_end_, {data, size});
    return got ? *got : 0;
  });
  if (!got) return base::pass(got);
  input_taken_ = 0;
  input_end_ += *got;
  verdict_.packed_bytes = input_end_;
  at_end_ = *got == 0;
  return {};
}

// Unpacks some bytes behind the window, or finds the end.
base::Status PackedFile::step() {
  if (input_taken_ == input_.size() && !at_end_)
    if (auto filled = fill(); !filled) return filled;
  const std::size_t had = window_.size();
  Unpacker::Step step;
  const std::span<const char> in{input_.data() + input_taken_, input_.size() - input_taken_};
  window_.resize_and_overwrite(had + output_bytes, [&](char* data, std::size_t) {
    step = unpacker_->step(in, {data + had, output_bytes});
    return had + step.given;
  });
  input_taken_ += step.taken;
  state_ = step.state;
  verdict_.size += step.given;
  if (state_ == UnpackState::damaged) {
    end(PackedEnd::damaged, unpacker_->reason());
  } else if (verdict_.size > limit_) {
    end(PackedEnd::too_large, fmt::format("it holds more than {}", base::format_bytes(verdict_.size)));
  } else if (at_end_ && step.given == 0 && step.taken == 0) {
    if (state_ == UnpackState::ended)
      end(PackedEnd::whole, {});
    else
      end(PackedEnd::cut_off, "it ends before its end");
  }
  return {};
}

// What lies before `from` is not needed any more.
void PackedFile::keep(std::uint64_t from) {
  const std::uint64_t begin = from - std::min(from, kept_bytes);
  if (begin <= window_from_) return;
  const std::uint64_t drop = std::min<std::uint64_t>(begin - window_from_, window_.size());
  if (drop < output_bytes) return;  // not for each small read
  window_.erase(0, drop);
  window_from_ += drop;
}

base::Status PackedFile::advance(std::uint64_t budget) {
  const std::uint64_t to = verdict_.size + budget;
  const std::uint64_t most_input = input_end_ + budget;  // frames may be empty
  while (verdict_.end == PackedEnd::unknown && verdict_.size < to && input_end_ <= most_input) {
    if (auto done = step(); !done) return done;
    keep(verdict_.size);
  }
  return {};
}

base::Result<std::size_t> PackedFile::read_at(std::uint64_t offset, std::span<char> out) {
  if (offset < window_from_) begin();
  largest_read_ = std::max(largest_read_, out.size());
  const std::uint64_t to = size_ ? std::min(offset + out.size(), *size_) : offset + out.size();
  while (verdict_.size < to && verdict_.end == PackedEnd::unknown) {
    if (auto done = step(); !done) return base::pass(done);
    if (verdict_.size < offset) keep(verdict_.size);
  }
  const std::uint64_t end = std::min(to, verdict_.size);
  const std::size_t count = end > offset ? static_cast<std::size_t>(end - offset) : 0;
  if (count > 0) std::memcpy(out.data(), window_.data() + (offset - window_from_), count);
  keep(offset - std::min<std::uint64_t>(offset, largest_read_));
  return count;
}

base::Result<base::FileInfo> PackedFile::info() {
  auto info = packed_->info();
  if (info) info->size = size_ ? *size_ : verdict_.size;
  return info;
}

}  // namespace telltale::sources
