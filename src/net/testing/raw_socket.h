// A client that may misbehave: a blocking TCP socket that sends the bytes a test gives it. Every wait ends after 20 s and fails the test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace telltale::net::testing {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class RawSocket {
 public:
  // `receive_buffer`: the kernel's, in bytes; 0 leaves it. Small ones make a slow reader.
  explicit RawSocket(std::uint16_t port, int receive_buffer = 0);
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // False when the peer has closed.
  bool send(std::string_view bytes);
  void shut_write();
  // Ends the connection at once, as when the program is killed with answers unread: what the peer still writes fails.
  void reset();
  // Up to and with `mark`.
  std::string read_until(std::string_view mark);
  std::string read_exactly(std::size_t bytes);
  std::string read_to_end();
  // Waits for the end of the stream; true when nothing came before it. `reset` says whether it was a reset.
  bool ends_silently(bool* reset = nullptr);
  // One response by its Content-Length; `head_only`: without a body.
  RawResponse read_response(bool head_only = false);
  // Bytes that the kernel holds for reading, and what was read ahead.
  std::size_t available() const;

 private:
  bool fill();

  int descriptor_ = -1;
  bool ended_ = false;
  bool reset_ = false;
  std::string buffer_;
};

// A GET of `path` that upgrades to WebSocket, with the key of RFC 6455's example.
std::string upgrade_request(std::string_view path = "/");
// The answer to that key.
inline constexpr std::string_view example_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace telltale::net::testing
