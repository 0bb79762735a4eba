#include "sources/follow/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"

namespace telltale::sources::testing {

namespace {

constexpr auto patience = std::chrono::seconds(20);
constexpr std::size_t chunk_bytes = 16 * 1024;

// The value of a query's parameter, decoded; requests come from ScriptedTransport.
std::string parameter(std::string_view target, const std::string& name) {
  const std::size_t at = target.find(name + '=');
  if (at == std::string_view::npos) return {};
  std::string_view rest = target.substr(at + name.size() + 1);
  rest = rest.substr(0, rest.find_first_of("& "));
  std::string value;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    unsigned code = 0;
    if (rest[i] == '%' && std::from_chars(rest.data() + i + 1, rest.data() + i + 3, code, 16).ec == std::errc()) {
      value += static_cast<char>(code);
      i += 2;
    } else {
      value += rest[i];
    }
  }
  return value;
}

FollowRequest request_of(std::string_view target) {
  FollowRequest request;
  request.instance = parameter(target, "instance");
  request.finished = parameter(target, "finished") == "1";
  request.follow = parameter(target, "follow") == "1";
  const std::string since = parameter(target, "since");
  std::from_chars(since.data(), since.data() + since.size(), request.since);
  request.since *= base::nanos_per_second;
  return request;
}

std::string head_of(const FollowAnswer& answer) {
  std::string head = fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Instance: {}\r\nX-Previous: {}\r\nX-Ended: {}\r\n",
                                 answer.instance, answer.previous, answer.ended ? 1 : 0);
  if (answer.server_time != 0) head += fmt::format("X-Time: {}\r\n", answer.server_time);
  return head + "\r\n";
}

std::string read_head(int descriptor) {
  std::string head;
  std::array<char, 4096> bytes;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(descriptor, bytes.data(), bytes.size(), 0);
    if (count <= 0) return {};
    head.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return head;
}

}  // namespace

ScriptedServer::ScriptedServer(int send_buffer)
    : send_buffer_(send_buffer), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), tasks_("scripted server") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool listens = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_, 64) == 0 &&
                       ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  TT_ASSERT(listens, "a loopback port can be listened on");
  port_ = ntohs(address.sin_port);
  tasks_.spawn("scripted-server", [this](const std::stop_token& stop) { accept_all(stop); });
}

ScriptedServer::~ScriptedServer() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  tasks_.request_stop();
  ::shutdown(listener_, SHUT_RDWR);
  cut();
  tasks_.close();
  ::close(listener_);
}

ScriptedLog& ScriptedServer::log(const std::string& name, const ScriptedHabits& habits) {
  base::MutexLock lock(mutex_);
  std::unique_ptr<ScriptedLog>& log = logs_[name];
  if (log == nullptr) {
    log = std::make_unique<ScriptedLog>(habits);
    log->on_change = [this] { changed(); };
  }
  return *log;
}

void ScriptedServer::changed() {
  {
    base::MutexLock lock(mutex_);  // who waits has not looked yet, or waits by now
  }
  changed_.notify_all();
}

void ScriptedServer::cut() {
  {
    base::MutexLock lock(mutex_);
    for (auto& [descriptor, was_cut] : open_) {
      was_cut = true;
      ::shutdown(descriptor, SHUT_RDWR);
    }
  }
  changed_.notify_all();
}

void ScriptedServer::cut_next_after(std::size_t bytes) {
  base::MutexLock lock(mutex_);
  cuts_.push_back(bytes);
}

void ScriptedServer::stall(bool stalled) {
  {
    base::MutexLock lock(mutex_);
    stalled_ = stalled;
  }
  changed_.notify_all();
}

void ScriptedServer::refuse(bool refused) {
  base::MutexLock lock(mutex_);
  refused_ = refused;
}

void ScriptedServer::send_pieces(std::size_t bytes) {
  base::MutexLock lock(mutex_);
  pieces_ = bytes;
}

std::size_t ScriptedServer::requests() const {
  base::MutexLock lock(mutex_);
  return requests_;
}

bool ScriptedServer::wait_requests(std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  base::MutexLock lock(mutex_);
  while (requests_ < count && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::seconds(1));
  return requests_ >= count;
}

void ScriptedServer::accept_all(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    bool refused = false;
    {
      base::MutexLock lock(mutex_);
      refused = refused_ || stopping_;
      if (!refused) open_[descriptor] = false;
    }
    if (refused) {
      ::close(descriptor);
      continue;
    }
    const int at_once = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (send_buffer_ > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer_, sizeof send_buffer_);
    tasks_.spawn("scripted-conn", [this, descriptor](const std::stop_token&) { serve(descriptor); });
  }
}

// Sends bytes until the connection is cut, by the peer or by a test.
class ScriptedServer::Connection {
 public:
  Connection(ScriptedServer& server, int descriptor, std::size_t cut_after) : server_(server), descriptor_(descriptor), left_(cut_after) {}

  bool send(std::string_view bytes) TT_EXCLUDES(server_.mutex_) {
    while (!bytes.empty()) {
      const std::size_t piece = wait_to_send();
      const std::size_t count = std::min({bytes.size(), piece, left_});
      if (count == 0) return false;
      const ssize_t sent = ::send(descriptor_, bytes.data(), count, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      left_ -= static_cast<std::size_t>(sent);
    }
    return true;
  }
  // False: the connection is cut.
  bool wait_for_change() TT_EXCLUDES(server_.mutex_) {
    base::MutexLock lock(server_.mutex_);
    if (!server_.open_[descriptor_]) server_.changed_.wait_for(server_.mutex_, std::chrono::milliseconds(100));
    return !server_.open_[descriptor_] && !peer_is_gone();
  }

 private:
  // How much may be sent; 0: the connection is cut.
  std::size_t wait_to_send() TT_EXCLUDES(server_.mutex_) {
    base::MutexLock lock(server_.mutex_);
    while (server_.stalled_ && !server_.open_[descriptor_]) server_.changed_.wait(server_.mutex_);
    return server_.open_[descriptor_] ? 0 : server_.pieces_;
  }
  bool peer_is_gone() const {
    char byte = 0;
    return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }
  ScriptedServer& server_;
  const int descriptor_;
  std::size_t left_;
};

void ScriptedServer::serve(int descriptor) {
  const std::string request = read_head(descriptor);
  const std::string_view target = std::string_view(request).substr(0, request.find("\r\n"));
  const std::size_t name_at = std::min(target.find("/logs/"), target.size());
  const std::string name(target.substr(std::min(name_at + 6, target.size()), target.find('?') - std::min(name_at + 6, target.size())));
  ScriptedLog* log = nullptr;
  std::size_t cut_after = SIZE_MAX;
  {
    base::MutexLock lock(mutex_);
    ++requests_;
    if (const auto found = logs_.find(name); found != logs_.end()) log = found->second.get();
    if (!cuts_.empty()) {
      cut_after = cuts_.front();
      cuts_.erase(cuts_.begin());
    }
  }
  changed_.notify_all();
  Connection connection(*this, descriptor, cut_after);
  ScriptedLog::Outcome outcome;
  if (log != nullptr) outcome = log->answer(request_of(target));
  bool good = true;
  if (log == nullptr || outcome.gone) {
    connection.send("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
  } else if (!outcome.reader) {
    connection.send("HTTP/1.1 204 No Content\r\n\r\n");
  } else {
    good = connection.send(head_of(outcome.reader->answer()));
    while (good) {
      std::string bytes;
      outcome.reader->read(bytes, chunk_bytes);
      if (!bytes.empty()) {
        good = connection.send(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
      } else if (outcome.reader->at_end()) {
        connection.send("0\r\n\r\n");
        break;
      } else {
        good = connection.wait_for_change();
      }
    }
  }
  {
    base::MutexLock lock(mutex_);
    open_.erase(descriptor);
  }
  ::close(descriptor);
}

}  // namespace telltale::sources::testing
