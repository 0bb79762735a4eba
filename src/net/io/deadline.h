// A timer that is set again and again: each setting replaces the one before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace telltale::net {

// One thread. A callback that was replaced or cancelled never runs, also when its time had come already.
class Deadline {
 public:
  explicit Deadline(boost::asio::io_context& context) : timer_(context) {}

  // `callback` keeps what it uses alive.
  void set(std::int64_t after_ns, std::function<void()> callback) {
    const std::uint64_t round = ++*round_;
    timer_.expires_after(std::chrono::nanoseconds(after_ns));
    timer_.async_wait([round, current = round_, callback = std::move(callback)](const boost::system::error_code& error) {
      if (!error && *current == round) callback();
    });
  }
  void cancel() {
    ++*round_;
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  // Shared with waits under way, which may end after the deadline was destroyed.
  std::shared_ptr<std::uint64_t> round_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace telltale::net
