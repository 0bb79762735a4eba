// One WebSocket connection of a server, from the answered handshake to its end. Net thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/io/deadline.h"
#include "net/io/io_loop.h"
#include "net/io/session.h"
#include "net/io/stream.h"
#include "net/ws/frame_reader.h"
#include "net/ws/ws.h"
#include "net/ws/ws_channel.h"
#include "telemetry/metrics.h"

namespace telltale::net {

// What all WebSocket connections of a server share; outlives them.
struct WsContext {
  std::uint64_t max_message_bytes;
  std::uint64_t max_queued_bytes;
  std::int64_t ping_interval_ns;
  SessionRegistry& registry;
  telemetry::Gauge& connections;
  telemetry::Counter& sent_bytes;
};

class WsSession final : public Session, public WsPump, public std::enable_shared_from_this<WsSession> {
 public:
  WsSession(const std::shared_ptr<IoLoop>& loop, const WsContext& context, std::unique_ptr<Stream> stream,
            std::unique_ptr<WsHandler> handler);

  // `early`: bytes that came right behind the handshake.
  void start(std::string_view early);
  void shutdown() override;
  void abort() override { finish(); }
  void pump() override;

 private:
  enum class Phase : std::uint8_t {
    open,
    closing,   // our close frame is the last thing in the queue or sent; the peer's is awaited
    leaving,   // both close frames are exchanged, or ours is the last word: ends when the queue is sent
    lingering  // our side is shut; the peer's end of stream is awaited, so that it can read all we sent
  };

  void read();
  void on_read(IoError error, std::string_view bytes);
  void take_input(std::string_view bytes);
  void on_event(const WsEvent& event);
  void on_peer_close(const WsEvent& event);
  void leave(std::uint16_t code, std::string_view reason);
  void drop_queue();
  void queue_close(std::uint16_t code, std::string_view reason);
  void queue_control();
  void write();
  void on_written(IoError error, std::size_t bytes);
  void advance(std::size_t bytes);
  void all_sent();
  void linger();
  void set_ping();
  void on_ping_time();
  void finish();

  const WsContext& context_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<WsHandler> handler_;
  // The handler above keeps it too.
  std::shared_ptr<WsChannel> channel_;
  WsFrameReader reader_;
  Deadline ping_timer_;
  Deadline close_timer_;
  std::vector<std::shared_ptr<const std::string>> outbox_;  // [head_, end): to be sent, the first from head_offset_ on
  std::size_t head_ = 0;
  std::size_t head_offset_ = 0;
  std::string pong_;  // the newest pong to send: a peer that floods with pings gets one for many
  bool pong_due_ = false;
  bool ping_due_ = false;
  int unanswered_pings_ = 0;
  bool writing_ = false;
  bool awaits_close_ = false;
  bool finished_ = false;
  Phase phase_ = Phase::open;
};

}  // namespace telltale::net
