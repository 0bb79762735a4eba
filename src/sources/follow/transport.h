// What a kind of server adds to the mechanism of follow streams: how it is connected to and how its answers are taken apart.
//
// A transport knows nothing of what was read or stored; it asks for what the request says and tells what comes. Docker, Kubernetes and the
// scripted server of the tests are transports.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "sources/follow/part.h"

namespace telltale::sources {

// "From here on." `since` is in whole seconds, inclusive: servers may give lines before it, or among the later ones.
struct FollowRequest {
  std::string instance;       // read last; empty: none. It or what came after it is wanted, the oldest that there is
  bool finished = false;      // `instance` was read to its end: what came after it is wanted
  base::UnixNanos since = 0;  // 0: from the beginning; only for `instance` itself, of a later one all is wanted
  bool follow = true;         // false: what exists by now, then the end of the stream
};

// Comes before any bytes.
struct FollowAnswer {
  std::string instance;             // whose lines follow: container id, or pod UID and restart count
  std::string previous;             // the instance directly before it, where the server knows it; else empty
  bool ended = false;               // nothing will be added to them: a clean end of the stream is the end of the instance
  base::UnixNanos server_time = 0;  // the server's clock, to a second (the header Date); 0: not known
};

struct FollowEnd {
  enum class Kind : std::uint8_t {
    clean,  // the server ended its answer as the protocol says; whether more will come, FollowAnswer::ended said
    cut,    // anything else: try again
    gone,   // what was followed does not exist any more, and nothing of it will
  };
  Kind kind = Kind::cut;
  base::Error error;  // cut and gone: why, with the remedy
};

// Told what comes, in order: answered, bytes any number of times, closed once; closed alone when the server could not be asked. Any thread.
class FollowHandler {
 public:
  virtual ~FollowHandler() = default;
  virtual void answered(FollowAnswer answer) = 0;
  // False: the connection is paused from now on.
  virtual bool bytes(std::string_view bytes) = 0;
  virtual void closed(FollowEnd end) = 0;
};

// One request under way. Destroying it ends it; what its handler is told afterwards is ignored by the handler.
class FollowConnection {
 public:
  virtual ~FollowConnection() = default;
  // While paused nothing is read from the socket; what was read already may still be told.
  virtual void pause(bool paused) = 0;
};

class FollowTransport {
 public:
  virtual ~FollowTransport() = default;
  // Never waits; failures are told to the handler, on another thread or after this call has returned. The connection owns the handler too.
  virtual std::unique_ptr<FollowConnection> open(const FollowRequest& request, std::shared_ptr<FollowHandler> handler) = 0;
  // For one answer.
  virtual std::unique_ptr<PartParser> make_parser(std::size_t max_line_bytes) = 0;
};

}  // namespace telltale::sources
