// Reads requests from a stream of bytes: Beast's parser behind our limits and checks. Pure: the same requests and errors come out
// however the input is cut into pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http/http.h"

namespace telltale::net {

struct RequestLimits {
  std::uint64_t max_header_bytes;
  std::uint64_t max_body_bytes;
};

class RequestReader {
 public:
  enum class State : std::uint8_t { need_more, complete, failed };

  explicit RequestReader(const RequestLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  void append(std::string_view bytes) { input_.append(bytes); }
  State advance();

  // After `complete`, once: the request; the address fields are the caller's to fill in. The next request may be read then.
  Request take();
  // After `failed`: what to answer before closing.
  const base::Error& error() const { return error_; }
  // A request has begun to arrive.
  bool started() const { return header_done_ || !input_.empty(); }
  // The client waits for "100 Continue" before it sends the body; true once a request.
  bool take_continue();
  // Of the request that was taken last (or failed): may the connection be used again?
  bool keep_alive() const { return keep_alive_; }
  bool http_1_0() const { return http_1_0_; }
  // Bytes behind the last request.
  std::string take_rest();

 private:
  struct Parser;

  State fail(base::Error error);
  void skip_empty_lines();
  std::size_t find_header_end();
  bool parse_header();
  bool parse_body();
  base::Error parse_error(std::string_view why, bool header_limit, bool body_limit) const;
  base::Status check_framing(std::string_view raw) const;
  base::Status fill_request();

  const RequestLimits limits_;
  std::unique_ptr<Parser> parser_;
  std::string input_;
  std::size_t scanned_ = 0;  // no header ends before this place in input_
  Request request_;
  base::Error error_;
  bool failed_ = false;
  bool header_done_ = false;
  bool wants_continue_ = false;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
};

}  // namespace telltale::net
