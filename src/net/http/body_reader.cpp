#include "net/http/body_reader.h"

#include <algorithm>
#include <charconv>

namespace telltale::net {

namespace {
constexpr std::size_t max_line_bytes = 1024;  // a chunk's size with its extensions, or one trailer field
constexpr std::size_t max_trailer_bytes = 8 * 1024;
}  // namespace

BodyReader::BodyReader(const BodyFraming& framing, std::uint64_t max_bytes) : framing_(framing), max_bytes_(max_bytes) {
  switch (framing.kind) {
    case BodyFraming::Kind::none:
      state_ = State::complete;
      break;
    case BodyFraming::Kind::length:
      left_ = framing.length;
      if (left_ == 0) state_ = State::complete;
      if (left_ > max_bytes_) state_ = State::too_large;
      break;
    case BodyFraming::Kind::chunked:
      part_ = Part::chunk_size;
      break;
    case BodyFraming::Kind::to_end:
      break;
  }
}

BodyReader::State BodyReader::take(std::string_view& input) {
  while (state_ == State::need_more && !input.empty()) {
    switch (part_) {
      case Part::data:
        take_data(input);
        break;
      case Part::chunk_data:
        take_chunk_data(input);
        break;
      case Part::chunk_size:
      case Part::chunk_end:
      case Part::trailer:
        take_line(input);
        break;
    }
  }
  return state_;
}

BodyReader::State BodyReader::end_of_stream() {
  if (state_ == State::need_more) state_ = framing_.kind == BodyFraming::Kind::to_end ? State::complete : State::malformed;
  return state_;
}

void BodyReader::take_data(std::string_view& input) {
  const std::uint64_t wanted = framing_.kind == BodyFraming::Kind::length ? left_ : max_bytes_ - body_.size();
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, input.size()));
  body_.append(input.substr(0, count));
  input.remove_prefix(count);
  if (framing_.kind == BodyFraming::Kind::length) {
    left_ -= count;
    if (left_ == 0) state_ = State::complete;
  } else if (!input.empty()) {
    state_ = State::too_large;
  }
}

void BodyReader::take_chunk_data(std::string_view& input) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  body_.append(input.substr(0, count));
  input.remove_prefix(count);
  left_ -= count;
  if (left_ == 0) part_ = Part::chunk_end;
}

// Lines end with CR LF; a lone LF is refused, since others might take it for an end.
void BodyReader::take_line(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::size_t count = end == std::string_view::npos ? input.size() : end + 1;
  if (line_.size() + count > max_line_bytes) {
    state_ = State::malformed;
    return;
  }
  line_.append(input.substr(0, count));
  input.remove_prefix(count);
  if (end == std::string_view::npos) return;
  if (!line_.ends_with("\r\n")) {
    state_ = State::malformed;
    return;
  }
  line_.resize(line_.size() - 2);
  on_line();
  line_.clear();
}

void BodyReader::on_line() {
  if (part_ == Part::chunk_size) return on_chunk_size();
  if (part_ == Part::trailer) return on_trailer();
  // Behind a chunk's data nothing but the line's end may stand.
  if (line_.empty()) {
    part_ = Part::chunk_size;
  } else {
    state_ = State::malformed;
  }
}

// "1a" or "1a;name=value"; extensions are passed over.
void BodyReader::on_chunk_size() {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), size, 16);
  std::string_view rest(end, static_cast<std::size_t>(line_.data() + line_.size() - end));
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  if (error != std::errc() || (!rest.empty() && rest.front() != ';') || rest.find('\r') != std::string_view::npos) {
    state_ = State::malformed;
  } else if (size > max_bytes_ - body_.size()) {
    state_ = State::too_large;
  } else {
    left_ = size;
    part_ = size == 0 ? Part::trailer : Part::chunk_data;
  }
}

// Trailer fields are passed over: nothing here needs them, and as headers they could replace those that were checked.
void BodyReader::on_trailer() {
  trailer_bytes_ += line_.size();
  if (line_.empty()) {
    state_ = State::complete;
  } else if (trailer_bytes_ > max_trailer_bytes) {
    state_ = State::malformed;
  }
}

}  // namespace telltale::net
