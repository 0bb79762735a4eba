// One io_context and, in an engine, the thread that runs it.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "base/task_group.h"

namespace telltale::net {

// Owned by the server. Others (answers and WebSocket connections that outlive it) hold a weak_ptr and own it for a moment while they
// post; what is posted after finish() is dropped.
class IoLoop {
 public:
  IoLoop();
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Starts the thread, named "net".
  void start();
  // Lets the thread end when nothing is under way, and waits for that. Not from the thread itself.
  void finish();
  // Any thread; `task` runs on the loop's thread, never inside this call.
  void post(std::function<void()> task);
  // As post, but inside this call when it comes from the loop's thread.
  void dispatch(std::function<void()> task);

  boost::asio::io_context& context() { return context_; }
  // A buffer that reads of the loop's thread share: its content is valid until the current callback returns.
  std::span<char> scratch() { return scratch_; }

 private:
  void run();

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::array<char, 64 * 1024> scratch_{};
  base::TaskGroup threads_;
};

}  // namespace telltale::net
