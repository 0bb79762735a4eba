#include "net/io/io_loop.h"

#include <exception>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "telemetry/log.h"

namespace telltale::net {

IoLoop::IoLoop() : context_(1), work_(context_.get_executor()), threads_("net") {}

IoLoop::~IoLoop() {
  threads_.close();
}

void IoLoop::start() {
  threads_.spawn("net", [this](std::stop_token) { run(); });
}

void IoLoop::run() {
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::exception& problem) {
      // A bug of one callback must not take all connections with it.
      telemetry::log(telemetry::LogLevel::error, "net", "a callback threw: {}", problem.what());
    }
  }
}

void IoLoop::finish() {
  boost::asio::post(context_, [this] { work_.reset(); });
  threads_.close();
}

void IoLoop::post(std::function<void()> task) {
  boost::asio::post(context_, std::move(task));
}

void IoLoop::dispatch(std::function<void()> task) {
  boost::asio::dispatch(context_, std::move(task));
}

}  // namespace telltale::net
