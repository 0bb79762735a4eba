// Answers that are read as they come.
#include "net/http/stream_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

constexpr std::int64_t patience_ns = 20 * base::nanos_per_second;

// Writes down what it is told. Any thread.
class Recorder final : public StreamHandler {
 public:
  void on_head(int status, const Headers&) override {
    base::MutexLock lock(mutex_);
    status_ = status;
  }
  bool on_bytes(std::string_view bytes) override {
    {
      base::MutexLock lock(mutex_);
      body_ += bytes;
      if (body_.size() < pause_at) return true;
      paused_ = true;
    }
    changed_.notify_all();
    return false;
  }
  void on_end(base::Status status) override {
    {
      base::MutexLock lock(mutex_);
      ++ends_;
      end_ = std::move(status);
    }
    changed_.notify_all();
  }
  bool wait_end() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return wait([this]() TT_REQUIRES(mutex_) { return ends_ > 0; });
  }
  // Or until the end.
  bool wait_paused() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    const bool reached = wait([this]() TT_REQUIRES(mutex_) { return paused_ || ends_ > 0; });
    paused_ = false;
    return reached;
  }
  int status() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return status_;
  }
  std::string body() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return body_;
  }
  int ends() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return ends_;
  }
  base::Status end() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return end_;
  }
  std::size_t pause_at = SIZE_MAX;  // set before it is used

 private:
  template <class Reached>
  bool wait(Reached reached) TT_REQUIRES(mutex_) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns);
    while (!reached() && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::seconds(1));
    return reached();
  }
  mutable base::Mutex mutex_;
  base::Condition changed_;
  int status_ TT_GUARDED_BY(mutex_) = 0;
  std::string body_ TT_GUARDED_BY(mutex_);
  int ends_ TT_GUARDED_BY(mutex_) = 0;
  bool paused_ TT_GUARDED_BY(mutex_) = false;
  base::Status end_ TT_GUARDED_BY(mutex_);
};

TEST(StreamClient, ReadsAnAnswerToItsEnd) {
  testing::TestServer server;
  const auto client = StreamClient::create();
  const auto recorder = std::make_shared<Recorder>();
  const auto stream = client->get(server.url("/logs"), {{"X-A", "1"}}, patience_ns, recorder);
  ASSERT_TRUE(recorder->wait_end());
  EXPECT_TRUE(recorder->end());
  EXPECT_EQ(recorder->status(), 200);
  EXPECT_EQ(recorder->body(), "GET /logs ");
}

TEST(StreamClient, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    testing::TestServer server;
    port = server.port();
    server.stop();
  }
  const auto client = StreamClient::create();
  const auto recorder = std::make_shared<Recorder>();
  const auto stream = client->get({"http", "127.0.0.1", port, "/"}, {}, patience_ns, recorder);
  ASSERT_TRUE(recorder->wait_end());
  ASSERT_FALSE(recorder->end());
  EXPECT_EQ(recorder->end().error().code, base::ErrorCode::connection_failed);
  EXPECT_THAT(recorder->end().error().cause, ::testing::HasSubstr(std::to_string(port)));
}

TEST(StreamClient, AHeaderThatCannotBeSentIsSaid) {
  const auto client = StreamClient::create();
  const auto recorder = std::make_shared<Recorder>();
  const auto stream = client->get({"http", "127.0.0.1", 1, "/"}, {{"X-A", "a\r\nb"}}, patience_ns, recorder);
  ASSERT_TRUE(recorder->wait_end());
  EXPECT_EQ(recorder->end().error().code, base::ErrorCode::invalid_argument);
}

TEST(StreamClient, DoesNotWaitForAnAnswerForEver) {
  Responder kept;
  testing::TestServer server;
  server.on_request = [&kept](const Request&, Responder respond) { kept = std::move(respond); };
  const auto client = StreamClient::create();
  const auto recorder = std::make_shared<Recorder>();
  const auto stream = client->get(server.url("/"), {}, 50 * base::nanos_per_millisecond, recorder);
  ASSERT_TRUE(recorder->wait_end());
  EXPECT_EQ(recorder->end().error().code, base::ErrorCode::timeout);
  server.stop();
}

// More than sockets hold: the rest comes only when it is wanted.
TEST(StreamClient, ReadsNoMoreWhilePaused) {
  constexpr std::size_t size = 32 * 1024 * 1024;
  testing::TestServer server;
  server.on_request = [](const Request&, const Responder& respond) {
    Response response;
    response.body = std::string(size, 'x');
    respond(std::move(response));
  };
  const auto client = StreamClient::create();
  const auto recorder = std::make_shared<Recorder>();
  recorder->pause_at = 1;
  auto stream = client->get(server.url("/"), {}, patience_ns, recorder);
  ASSERT_TRUE(recorder->wait_paused());
  const std::size_t before = recorder->body().size();
  EXPECT_LE(before, 64u * 1024);
  EXPECT_EQ(recorder->ends(), 0);
  // Each block stops it again.
  while (recorder->ends() == 0) {
    stream->pause(false);
    ASSERT_TRUE(recorder->wait_paused());
  }
  EXPECT_TRUE(recorder->end());
  EXPECT_EQ(recorder->body().size(), size);
}

TEST(StreamClient, EndsWhatIsUnderWayWithItself) {
  Responder kept;
  testing::TestServer server;
  server.on_request = [&kept](const Request&, Responder respond) { kept = std::move(respond); };
  const auto recorder = std::make_shared<Recorder>();
  auto client = StreamClient::create();
  const auto stream = client->get(server.url("/"), {}, patience_ns, recorder);
  client.reset();
  EXPECT_EQ(recorder->ends(), 1);
  EXPECT_EQ(recorder->end().error().code, base::ErrorCode::cancelled);
  stream->pause(true);
  server.stop();
}

}  // namespace
}  // namespace telltale::net
