// A real HTTP server on loopback that streams what scripted logs hold, and misbehaves when it is told to: the double of the servers whose
// streams are followed.
//
// GET /logs/NAME?instance=I&finished=0|1&since=SECONDS&follow=0|1 answers 200 with a chunked body in the log's format and the headers
// X-Instance, X-Previous, X-Ended and, when the log has a clock, X-Time (ns); 204 when there is nothing newer; 410 when it is gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/task_group.h"
#include "net/http/stream_client.h"
#include "sources/follow/testing/scripted_log.h"
#include "sources/follow/transport.h"

namespace telltale::sources::testing {

// Thread-safe.
class ScriptedServer {
 public:
  // `send_buffer`: the kernel's for each connection, in bytes; 0 leaves it. Small ones let a slow reader be felt soon.
  explicit ScriptedServer(int send_buffer = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  // Made by the first call.
  ScriptedLog& log(const std::string& name, const ScriptedHabits& habits = {}) TT_EXCLUDES(mutex_);

  // Breaks all connections.
  void cut() TT_EXCLUDES(mutex_);
  // Breaks the next ones after so many bytes, wherever that is: in the head, a chunk's size, a line. Each call is for one connection.
  void cut_next_after(std::size_t bytes) TT_EXCLUDES(mutex_);
  // Sends nothing more and keeps the connections, as a machine that has gone; false: goes on.
  void stall(bool stalled) TT_EXCLUDES(mutex_);
  // Closes connections at once without a word.
  void refuse(bool refused) TT_EXCLUDES(mutex_);
  // Sends at most so many bytes at once, each in a packet of its own.
  void send_pieces(std::size_t bytes) TT_EXCLUDES(mutex_);

  std::size_t requests() const TT_EXCLUDES(mutex_);
  // False: there were fewer when the time (20 s) had passed.
  bool wait_requests(std::size_t count) TT_EXCLUDES(mutex_);

 private:
  class Connection;
  void accept_all(const std::stop_token& stop);
  void serve(int descriptor) TT_EXCLUDES(mutex_);
  void changed() TT_EXCLUDES(mutex_);

  const int send_buffer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable base::Mutex mutex_;
  base::Condition changed_;
  std::map<std::string, std::unique_ptr<ScriptedLog>> logs_ TT_GUARDED_BY(mutex_);
  std::map<int, bool> open_ TT_GUARDED_BY(mutex_);  // descriptors; true: it was cut
  std::vector<std::size_t> cuts_ TT_GUARDED_BY(mutex_);
  std::size_t requests_ TT_GUARDED_BY(mutex_) = 0;
  std::size_t pieces_ TT_GUARDED_BY(mutex_) = 64 * 1024;
  bool stalled_ TT_GUARDED_BY(mutex_) = false;
  bool refused_ TT_GUARDED_BY(mutex_) = false;
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  base::TaskGroup tasks_;
};

// How an engine asks such a server. The client outlives it.
class ScriptedTransport final : public FollowTransport {
 public:
  ScriptedTransport(net::StreamClient& client, std::uint16_t port, std::string log, WireFormat format)
      : client_(client), port_(port), log_(std::move(log)), format_(format) {}
  std::unique_ptr<FollowConnection> open(const FollowRequest& request, std::shared_ptr<FollowHandler> handler) override;
  std::unique_ptr<PartParser> make_parser(std::size_t max_line_bytes) override;

 private:
  net::StreamClient& client_;
  const std::uint16_t port_;
  const std::string log_;
  const WireFormat format_;
};

}  // namespace telltale::sources::testing
