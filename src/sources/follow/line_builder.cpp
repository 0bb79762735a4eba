#include "sources/follow/line_builder.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

namespace {

void append_number(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

std::int64_t milliseconds(base::UnixNanos time) {
  const std::int64_t rest = time % base::nanos_per_millisecond;
  return (time - (rest < 0 ? rest + base::nanos_per_millisecond : rest)) / base::nanos_per_millisecond;
}

}  // namespace

// Each part's hash covers that of the parts before, so a line is told from others that it shares parts with.
void LineBuilder::mark(FollowLine& line, const Part& part, base::UnixNanos time) {
  scratch_.clear();
  append_number(scratch_, line.mark.hash);
  append_number(scratch_, static_cast<std::uint64_t>(time));
  append_number(scratch_, part.bytes);
  scratch_ += static_cast<char>(part.channel);
  scratch_ += part.text;
  line.mark.hash = hasher_(scratch_).low;
}

std::optional<FollowLine> LineBuilder::add(const Part& part) {
  std::optional<FollowLine>& line = begun_[std::min<std::size_t>(part.channel, channels - 1)];
  if (part.time != 0) time_ = part.time;
  if (!line) line.emplace(FollowLine{.time = time_, .text = {}, .mark = {milliseconds(time_), 0}});
  line->last_time = time_;
  const std::size_t room = max_bytes_ - line->text.size();
  line->text.append(part.text.substr(0, room));
  line->truncated = line->truncated || part.bytes > part.text.size() || part.text.size() > room;
  mark(*line, part, time_);
  if (!part.ends_line) return std::nullopt;
  return std::exchange(line, std::nullopt);
}

std::vector<FollowLine> LineBuilder::finish() {
  std::vector<FollowLine> lines;
  for (std::optional<FollowLine>& line : begun_) {
    if (!line) continue;
    line->unterminated = true;
    lines.push_back(*std::exchange(line, std::nullopt));
  }
  return lines;
}

void LineBuilder::restart(base::UnixNanos time) {
  begun_ = {};
  time_ = time;
}

base::UnixNanos LineBuilder::begun() const {
  base::UnixNanos oldest = 0;
  for (const auto& line : begun_)
    if (line && (oldest == 0 || line->time < oldest)) oldest = line->time;
  return oldest;
}

}  // namespace telltale::sources
