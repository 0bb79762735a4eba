// What a server knows of its connections, whatever they speak.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace telltale::net {

// One connection of a server. Net thread.
class Session {
 public:
  virtual ~Session() = default;
  // Ends soon: what is under way is finished first.
  virtual void shutdown() = 0;
  // Ends now.
  virtual void abort() = 0;
};

// Every session of a server is in here from its start to its end. Net thread.
class SessionRegistry {
 public:
  // The registry and the callbacks under way own a session together: it is freed when both let go.
  void add(std::shared_ptr<Session> session) {
    Session* const key = session.get();
    sessions_.emplace(key, std::move(session));
  }
  void remove(Session* session) {
    sessions_.erase(session);
    if (on_change_) on_change_();
  }
  std::size_t size() const { return sessions_.size(); }
  // Called after each removal.
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }
  void shutdown_all() {
    for (const auto& session : snapshot()) session->shutdown();
  }
  void abort_all() {
    for (const auto& session : snapshot()) session->abort();
  }

 private:
  // Sessions leave while they are told to.
  std::vector<std::shared_ptr<Session>> snapshot() const {
    std::vector<std::shared_ptr<Session>> sessions;
    for (const auto& [key, session] : sessions_) sessions.push_back(session);
    return sessions;
  }

  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::function<void()> on_change_;
};

}  // namespace telltale::net
