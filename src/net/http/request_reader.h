// Reads requests from a stream of bytes: Beast's parser of headers behind our limits and checks, and our reader of bodies. Pure: the same
// requests and errors come out however the input is cut into pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http/body_reader.h"
#include "net/http/http.h"

namespace telltale::net {

struct RequestLimits {
  std::uint64_t max_header_bytes;
  std::uint64_t max_body_bytes;
};

class RequestReader {
 public:
  enum class State : std::uint8_t { need_more, complete, failed };

  explicit RequestReader(const RequestLimits& limits) : limits_(limits) {}

  void append(std::string_view bytes) { input_.append(bytes); }
  State advance();

  // After `complete`, once: the request; the address fields are the caller's to fill in. The next request may be read then.
  Request take();
  // After `failed`: what to answer before closing.
  const base::Error& error() const { return error_; }
  // A request has begun to arrive.
  bool started() const { return body_.has_value() || !input_.empty(); }
  // The client waits for "100 Continue" before it sends the body; true once a request.
  bool take_continue();
  // Of the request that was taken last (or failed): may the connection be used again?
  bool keep_alive() const { return keep_alive_; }
  bool http_1_0() const { return http_1_0_; }
  // Bytes behind the last request.
  std::string take_rest();

 private:
  State fail(base::Error error);
  State fail_malformed(std::string_view why);
  void skip_empty_lines();
  std::size_t find_header_end();
  bool parse_header();
  State read_body();

  const RequestLimits limits_;
  std::string input_;
  std::size_t scanned_ = 0;         // no header ends before this place in input_
  std::optional<BodyReader> body_;  // once the header is there
  Request request_;
  base::Error error_;
  bool failed_ = false;
  bool wants_continue_ = false;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
};

}  // namespace telltale::net
