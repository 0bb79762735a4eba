#include "net/http/stream_client.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>

#include "net/http/body_reader.h"
#include "net/http/client_exchange.h"
#include "net/http/response_head.h"
#include "net/io/deadline.h"
#include "net/io/io_loop.h"
#include "net/io/plain_stream.h"
#include "net/tls/tls_stream.h"

namespace telltale::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorCode;

namespace {

constexpr std::uint64_t any_size = ~std::uint64_t{0};  // a body is told as it comes, nothing is kept

// One request, on the loop's thread. Its callbacks own it, so it lives until the last of them came.
class StreamSession final : public std::enable_shared_from_this<StreamSession> {
 public:
  StreamSession(IoLoop& loop, Url url, std::string head, std::shared_ptr<StreamHandler> handler)
      : loop_(loop),
        url_(std::move(url)),
        head_(std::move(head)),
        handler_(std::move(handler)),
        resolver_(loop.context()),
        socket_(loop.context()),
        deadline_(loop.context()) {}

  void start(std::int64_t head_timeout_ns) {
    if (ended_) return;
    deadline_.set(head_timeout_ns, [self = shared_from_this()] {
      self->end(base::fail(ErrorCode::timeout, fmt::format("{} did not answer in time", authority_of(self->url_))));
    });
    resolver_.async_resolve(url_.host, std::to_string(url_.port),
                            [self = shared_from_this()](IoError error, const tcp::resolver::results_type& results) {
                              if (self->ended_) return;
                              if (error) return self->fail_to("finding the address of", error);
                              self->connect(results);
                            });
  }
  // Nothing is told any more.
  void abandon() {
    ended_ = true;
    handler_.reset();
    release();
  }
  void end(base::Status status) {
    if (std::exchange(ended_, true)) return;
    const auto handler = std::move(handler_);
    release();
    handler->on_end(std::move(status));
  }
  void pause(bool paused) {
    paused_ = paused;
    if (!paused_ && !ended_ && body_ && !reading_) read();
  }

 private:
  void release() {
    deadline_.cancel();
    resolver_.cancel();
    IoError ignored;
    socket_.close(ignored);
    if (stream_) stream_->close();
  }
  void fail_to(std::string_view what, IoError error) {
    end(base::fail(ErrorCode::connection_failed, fmt::format("{} {} failed: {}", what, authority_of(url_), error.message()),
                   "Check that the server runs, and its address."));
  }
  void lost(IoError error) {
    end(base::fail(ErrorCode::connection_lost, fmt::format("{} broke the connection: {}", authority_of(url_), error.message())));
  }

  void connect(const tcp::resolver::results_type& results) {
    asio::async_connect(socket_, results, [self = shared_from_this()](IoError error, const tcp::endpoint& remote) {
      if (self->ended_) return;
      if (error) return self->fail_to("connecting to", error);
      self->connected(remote);
    });
  }
  void connected(const tcp::endpoint& remote) {
    IoError ignored;
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    if (url_.scheme != "https") {
      stream_ = std::make_unique<PlainStream>(std::move(socket_), remote, loop_.scratch());
      return write();
    }
    auto tls = make_client_tls();
    if (!tls) return end(base::pass(tls));
    stream_ = make_tls_client_stream(std::move(socket_), remote, *tls, url_.host);
    stream_->handshake([self = shared_from_this()](IoError error) {
      if (self->ended_) return;
      if (error) {
        const auto cause = fmt::format("the TLS handshake with {} failed: {}", authority_of(self->url_), error.message());
        return self->end(base::fail(ErrorCode::tls_failed, cause));
      }
      self->write();
    });
  }
  void write() {
    const std::array<std::string_view, 1> pieces = {std::string_view(head_).substr(written_)};
    stream_->write_some(pieces, [self = shared_from_this()](IoError error, std::size_t count) {
      if (self->ended_) return;
      if (error) return self->lost(error);
      self->written_ += count;
      if (self->written_ < self->head_.size()) return self->write();
      self->read();
    });
  }

  void read() {
    if (paused_ && body_) return;
    reading_ = true;
    stream_->read([self = shared_from_this()](IoError error, std::string_view bytes) {
      self->reading_ = false;
      if (!self->ended_) self->take(error, bytes);
    });
  }
  void take(IoError error, std::string_view bytes) {
    if (!body_) {
      input_.append(bytes);
      if (!take_head()) return;
      if (!body_) return error ? lost(error) : read();
      bytes = input_;
    }
    const BodyReader::State state = body_->take(bytes);
    std::string told = std::exchange(body_->body(), {});
    input_.clear();
    if (!told.empty() && !handler_->on_bytes(told)) paused_ = true;
    if (ended_) return;
    if (state == BodyReader::State::complete) return end({});
    if (state != BodyReader::State::need_more) {
      return end(base::fail(ErrorCode::connection_lost, fmt::format("{}: a chunk of the answer is not valid", authority_of(url_))));
    }
    if (error == asio::error::eof && body_->end_of_stream() == BodyReader::State::complete) return end({});
    if (error) return lost(error);
    read();
  }
  // False: it cannot be read.
  bool take_head() {
    while (true) {
      auto head = take_response_head(input_, false);
      if (!head) return end(base::pass(head)), false;
      if (!*head) return true;
      if ((*head)->status < 200) continue;
      deadline_.cancel();
      body_.emplace((*head)->framing, any_size);
      handler_->on_head((*head)->status, (*head)->headers);
      return !ended_;
    }
  }

  IoLoop& loop_;
  const Url url_;
  const std::string head_;
  std::shared_ptr<StreamHandler> handler_;  // second owner: who asked
  tcp::resolver resolver_;
  tcp::socket socket_;  // until it is connected; then the stream's
  Deadline deadline_;
  std::unique_ptr<Stream> stream_;
  std::size_t written_ = 0;
  std::string input_;
  std::optional<BodyReader> body_;
  bool reading_ = false;
  bool paused_ = false;
  bool ended_ = false;
};

class SessionStream final : public ResponseStream {
 public:
  SessionStream(std::shared_ptr<IoLoop> loop, std::shared_ptr<StreamSession> session)
      : loop_(std::move(loop)), session_(std::move(session)) {}
  ~SessionStream() override {
    loop_->post([session = session_] { session->abandon(); });
  }
  void pause(bool paused) override {
    loop_->post([session = session_, paused] { session->pause(paused); });
  }

 private:
  const std::shared_ptr<IoLoop> loop_;            // the client's; goes after the session, whose sockets are of it
  const std::shared_ptr<StreamSession> session_;  // second owners: its callbacks
};

class LoopStreamClient final : public StreamClient {
 public:
  LoopStreamClient() { loop_->start(); }
  ~LoopStreamClient() override {
    loop_->post([sessions = sessions_] {
      for (const auto& session : *sessions)
        if (const auto alive = session.lock()) alive->end(base::fail(ErrorCode::cancelled, "the client was stopped"));
    });
    loop_->finish();
  }

  std::unique_ptr<ResponseStream> get(const Url& url, const Headers& headers, std::int64_t head_timeout_ns,
                                      std::shared_ptr<StreamHandler> handler) override {
    auto head = request_head(url, "GET", headers, 0);
    const auto session = std::make_shared<StreamSession>(*loop_, url, head ? *head + "Connection: close\r\n\r\n" : "", std::move(handler));
    loop_->post([session, sessions = sessions_, head_timeout_ns, problem = head ? base::Status() : base::Status(base::pass(head))] {
      std::erase_if(*sessions, [](const auto& known) { return known.expired(); });
      sessions->push_back(session);
      if (!problem) return session->end(problem);
      session->start(head_timeout_ns);
    });
    return std::make_unique<SessionStream>(loop_, session);
  }

 private:
  using Sessions = std::vector<std::weak_ptr<StreamSession>>;
  const std::shared_ptr<IoLoop> loop_ = std::make_shared<IoLoop>();          // second owners: its streams
  const std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();  // the loop's thread's; second owners: what is posted
};

}  // namespace

std::unique_ptr<StreamClient> StreamClient::create() {
  return std::make_unique<LoopStreamClient>();
}

}  // namespace telltale::net
