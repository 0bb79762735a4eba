// Requests whose answers are read for as long as the server sends them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http/client.h"
#include "net/http/http.h"

namespace telltale::net {

// Told what comes of one request, on the client's thread, in order: on_head once, on_bytes any number of times, on_end once; on_end alone
// when there was no answer. Quick.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Of the final answer, whatever its status.
  virtual void on_head(int status, const Headers& headers) = 0;
  // Of the body, without its framing; at most 64 KiB, valid during the call. False: the stream is paused from now on.
  virtual bool on_bytes(std::string_view bytes) = 0;
  // Good: the body is whole. Else connection_failed, tls_failed, timeout, connection_lost, invalid_argument.
  virtual void on_end(base::Status status) = 0;
};

// Destroying it ends the request; the handler may be in a call on the client's thread just then.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // While paused nothing more is read, so the server has to wait; what is read already is still told. Any thread.
  virtual void pause(bool paused) = 0;
};

// One thread, named "net", for any number of requests. Its streams may outlive it: they have ended then.
class StreamClient {
 public:
  virtual ~StreamClient() = default;
  static std::unique_ptr<StreamClient> create();
  // A GET on a connection of its own. `head_timeout_ns`: up to the answer's head. The client owns the handler too. Any thread.
  virtual std::unique_ptr<ResponseStream> get(const Url& url, const Headers& headers, std::int64_t head_timeout_ns,
                                              std::shared_ptr<StreamHandler> handler) = 0;
};

}  // namespace telltale::net
