// One HTTP connection of a server: requests one after the other, until it ends or becomes a WebSocket. Net thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http/request_reader.h"
#include "net/http/server_context.h"
#include "net/io/deadline.h"
#include "net/io/session.h"
#include "net/io/stream.h"

namespace telltale::net {

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(ServerContext& context, std::unique_ptr<Stream> stream);

  void start();
  // Answers `too_many_connections` to whatever comes, and closes.
  void refuse(base::Error error);
  void shutdown() override;
  void abort() override { finish(); }
  // The application's answer to the request under way.
  void answer(Response response);

 private:
  enum class Phase : std::uint8_t { handshake, idle, receiving, handling, writing, lingering, finished };

  void on_handshake(IoError error);
  void next_request();
  void wait_for_bytes();
  void read();
  void on_read(IoError error, std::string_view bytes);
  void send_continue();
  void handle(Request request);
  void call_application(Request request);
  void begin_upgrade(const Request& request);
  void become_websocket(const Request& request, std::unique_ptr<WsHandler> handler);
  void hand_over();
  void answer_error(const base::Error& error);
  void write();
  void on_written(IoError error, std::size_t bytes);
  void go_on_without_answers();
  void sent();
  void linger();
  void on_lingering(IoError error, std::string_view bytes);
  void on_deadline();
  void set_deadline(std::int64_t after_ns);
  void say_closed();
  void finish();

  ServerContext& context_;
  const std::uint64_t connection_;
  std::unique_ptr<Stream> stream_;
  RequestReader reader_;
  Deadline deadline_;
  Phase phase_ = Phase::handshake;
  bool head_only_ = false;   // the request is a HEAD
  bool keep_alive_ = false;  // after the answer under way
  bool keep_idle_ = false;   // an answer said so
  bool known_ = false;       // the application has seen a request of this connection, and not its end
  bool peer_gone_ = false;   // it takes no answers any more; what it had sent before is still handled
  bool sending_continue_ = false;
  bool reading_ = false;
  std::string head_;  // being written, then body_
  std::string body_;
  std::size_t written_ = 0;
  std::size_t discarded_ = 0;
  std::unique_ptr<base::Error> refusal_;
  std::unique_ptr<WsHandler> upgraded_;  // takes over when head_ is written
};

}  // namespace telltale::net
