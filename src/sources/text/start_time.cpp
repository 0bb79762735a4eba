#include "sources/text/start_time.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace telltale::sources {
namespace {

constexpr std::uint64_t piece_bytes = 64 * 1024;
constexpr std::uint64_t probe_bytes = 256 * 1024;  // so far a line with a time is looked for

struct TimedLine {
  std::uint64_t at = 0;
  base::UnixNanos time = 0;
};

class Search {
 public:
  Search(base::ReadableFile& file, TextEncoding encoding, const LineTime& line_time)
      : file_(file), encoding_(encoding), line_time_(line_time) {}

  // The first line that begins in [from, to) and has a time of `least` or later.
  base::Result<std::optional<TimedLine>> first(std::uint64_t from, std::uint64_t to, base::UnixNanos least) {
    const std::uint64_t unit = unit_of(encoding_);
    from = from / unit * unit;
    // A line end right before `from` counts; else the line that begins before it does not.
    std::uint64_t at = from == 0 ? 0 : from - unit;
    bool in_line = from != 0;
    while (at < to) {
      auto got = read(at);
      if (!got) return base::pass(got);
      if (text_.empty()) break;
      std::string_view rest = text_;
      for (std::size_t end = find_line_end(encoding_, rest); end != std::string_view::npos; end = find_line_end(encoding_, rest)) {
        if (!in_line && at < to)
          if (const auto time = time_of(rest.substr(0, end - unit), at); time && *time >= least) return TimedLine{at, *time};
        in_line = false;
        at += end;
        rest.remove_prefix(end);
      }
      // What is left is read again with what follows, but not a line longer than that.
      if (rest.size() == text_.size()) {
        in_line = true;
        at += rest.size() / unit * unit;
        if (rest.size() < unit) break;
      } else if (text_.size() < piece_bytes) {
        break;
      }
    }
    return std::nullopt;
  }

 private:
  base::Status read(std::uint64_t at) {
    base::Result<std::size_t> got = std::size_t{0};
    text_.resize_and_overwrite(piece_bytes, [&](char* data, std::size_t size) {
      got = file_.read_at(at, {data, size});
      return got ? *got : 0;
    });
    if (!got) return base::pass(got);
    return {};
  }
  std::optional<base::UnixNanos> time_of(std::string_view line, std::uint64_t at) const {
    if (!line_time_) return std::nullopt;
    if (encoding_ == TextEncoding::bytes) return line_time_(line);
    return line_time_(to_utf8(encoding_, line, at == 0));
  }

  base::ReadableFile& file_;
  const TextEncoding encoding_;
  const LineTime& line_time_;
  std::string text_;
};

}  // namespace

std::optional<base::UnixNanos> start_time(std::string_view start, base::UnixNanos now) {
  if (!start.starts_with('-')) return base::parse_rfc3339(start);
  const auto back = base::parse_duration(start.substr(1));
  if (!back) return std::nullopt;
  return now - std::min(*back, now);
}

base::Result<std::uint64_t> find_start(base::ReadableFile& file, TextEncoding encoding, base::UnixNanos from, const LineTime& line_time,
                                       bool onward) {
  auto info = file.info();
  if (!info) return base::pass(info);
  Search search(file, encoding, line_time);
  std::uint64_t low = 0;
  std::uint64_t high = info->size;
  std::optional<std::uint64_t> known;  // a line of `from` or later, found on the way
  bool any = false;
  while (!onward && high - low > piece_bytes) {
    const std::uint64_t middle = low + (high - low) / 2;
    auto line = search.first(middle, std::min(high, middle + probe_bytes), 0);
    if (!line) return base::pass(line);
    any = any || line->has_value();
    if (*line && (*line)->time < from) {
      low = (*line)->at;
    } else {
      if (*line) known = (*line)->at;
      high = middle;
    }
  }
  const std::uint64_t begin = low - std::min(low, piece_bytes);
  const std::uint64_t end = onward ? info->size : std::min(info->size, high + probe_bytes);
  auto line = search.first(begin, end, from);
  if (!line) return base::pass(line);
  if (line->has_value()) return (*line)->at;
  if (known) return *known;
  if (!any) {
    auto timed = search.first(0, onward ? info->size : probe_bytes, 0);
    if (!timed) return base::pass(timed);
    any = timed->has_value();
  }
  if (!any) return info->modify_time >= from ? 0 : info->size;
  return end == info->size ? info->size : low;  // rather too much than too little
}

}  // namespace telltale::sources
