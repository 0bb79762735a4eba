// Bodies of HTTP/1.1 messages (RFC 9112 section 6 and 7.1). Pure and incremental: the outcome does not depend on how the input is cut.
// Beast's own reader of chunks is not used: of Boost 1.81 it ends the program on "0\r\n\r\n" that comes byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telltale::net {

struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, to_end };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  // of Kind::length
};

class BodyReader {
 public:
  enum class State : std::uint8_t { need_more, complete, too_large, malformed };

  BodyReader(const BodyFraming& framing, std::uint64_t max_bytes);

  // Takes bytes from the front of `input` until the state changes; `complete` leaves what follows the body.
  State take(std::string_view& input);
  // The stream ended: completes a body that goes to the end, and no other.
  State end_of_stream();
  std::string& body() { return body_; }

 private:
  enum class Part : std::uint8_t { data, chunk_size, chunk_data, chunk_end, trailer };

  void take_data(std::string_view& input);
  void take_chunk_data(std::string_view& input);
  void take_line(std::string_view& input);
  void on_line();
  void on_chunk_size();
  void on_trailer();

  const BodyFraming framing_;
  const std::uint64_t max_bytes_;
  State state_ = State::need_more;
  Part part_ = Part::data;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::string line_;
  std::size_t trailer_bytes_ = 0;
  std::string body_;
};

}  // namespace telltale::net
