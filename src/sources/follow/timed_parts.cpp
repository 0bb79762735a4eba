#include "sources/follow/timed_parts.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::sources {

namespace {

constexpr std::size_t longest_time = 40;  // RFC 3339 with nanoseconds and a zone has 35 characters
constexpr std::size_t frame_head = 8;
// Servers cut at 16 KiB; what announces more than this is no frame.
constexpr std::size_t largest_frame = 16 * 1024 * 1024;

// Splits "TIME text". Without a time all of it is text.
Part part_of(std::string_view line, std::size_t max_bytes) {
  Part part;
  const std::string_view start = line.substr(0, longest_time + 1);
  const std::size_t space = std::min(start.find(' '), start.size());
  if (space <= longest_time) {
    if (const auto time = base::parse_rfc3339(start.substr(0, space))) {
      part.time = *time;
      line.remove_prefix(std::min(space + 1, line.size()));
    }
  }
  part.bytes = line.size();
  part.text = line.substr(0, max_bytes);
  return part;
}

class TimedLines final : public PartParser {
 public:
  explicit TimedLines(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  base::Status feed(std::string_view bytes, const Take& take) override {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (end != std::string_view::npos && begun_.empty() && dropped_ == 0) {
        take(part_of(piece, max_bytes_));
      } else {
        keep(piece);
        if (end != std::string_view::npos) give(take, true);
      }
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    }
    return {};
  }
  void finish(const Take& take) override {
    if (!begun_.empty()) give(take, false);
  }

 private:
  // The beginning of a long line, with room for its time.
  void keep(std::string_view piece) {
    const std::size_t room = max_bytes_ + longest_time + 1 - begun_.size();
    begun_.append(piece.substr(0, room));
    dropped_ += piece.size() - std::min(room, piece.size());
  }
  void give(const Take& take, bool ends_line) {
    Part part = part_of(begun_, max_bytes_);
    part.bytes += dropped_;
    part.ends_line = ends_line;
    take(part);
    begun_.clear();
    dropped_ = 0;
  }

  const std::size_t max_bytes_;
  std::string begun_;
  std::uint64_t dropped_ = 0;
};

class TimedFrames final : public PartParser {
 public:
  explicit TimedFrames(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  base::Status feed(std::string_view bytes, const Take& take) override {
    begun_.append(bytes);
    std::string_view rest = begun_;
    base::Status status;
    while (status && rest.size() >= frame_head) {
      const auto head = check_head(rest);
      if (!head) {
        status = base::fail(head.error().code, head.error().cause);
        break;
      }
      if (rest.size() - frame_head < *head) break;
      give(static_cast<std::uint8_t>(rest[0]), rest.substr(frame_head, *head), take);
      rest.remove_prefix(frame_head + *head);
    }
    begun_.erase(0, begun_.size() - rest.size());
    return status;
  }
  void finish(const Take&) override {}

 private:
  // The length of what follows.
  static base::Result<std::size_t> check_head(std::string_view head) {
    std::size_t size = 0;
    for (std::size_t i = 4; i < frame_head; ++i) size = size << 8 | static_cast<unsigned char>(head[i]);
    const bool sound = static_cast<unsigned char>(head[0]) <= 3 && head[1] == 0 && head[2] == 0 && head[3] == 0;
    if (sound && size <= largest_frame) return size;
    return base::fail(base::ErrorCode::connection_lost, fmt::format("the stream of lines holds '{}' where a frame should begin",
                                                                    base::to_printable(head.substr(0, frame_head))));
  }
  // One frame; a line end inside of it ends a line too.
  void give(std::uint8_t channel, std::string_view payload, const Take& take) const {
    Part part = part_of(payload, payload.size());
    std::string_view text = part.text;
    do {
      const std::size_t end = text.find('\n');
      part.channel = channel;
      part.ends_line = end != std::string_view::npos;
      const std::string_view piece = text.substr(0, end);
      part.bytes = piece.size();
      part.text = piece.substr(0, max_bytes_);
      take(part);
      text.remove_prefix(part.ends_line ? end + 1 : text.size());
    } while (!text.empty());
  }

  const std::size_t max_bytes_;
  std::string begun_;
};

}  // namespace

std::unique_ptr<PartParser> make_timed_lines(std::size_t max_bytes) {
  return std::make_unique<TimedLines>(max_bytes);
}

std::unique_ptr<PartParser> make_timed_frames(std::size_t max_bytes) {
  return std::make_unique<TimedFrames>(max_bytes);
}

}  // namespace telltale::sources
