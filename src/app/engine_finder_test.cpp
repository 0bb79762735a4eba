// Engines that come back elsewhere, as servers that say what engines say of themselves.
#include "app/engine_finder.h"

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "net/testing/test_server.h"

namespace telltale::app {
namespace {

using base::ErrorCode;

// Knows one token.
class Engine {
 public:
  Engine(std::string data_folder, std::string token) {
    server_.on_request = [data = std::move(data_folder), token = std::move(token)](const net::Request& request,
                                                                                   const net::Responder& respond) {
      net::Response response;
      const bool known = request.header("authorization") == "Bearer " + token;
      if (!known) response.status = 401;
      if (known) response.body = fmt::format(R"({{"pid":{},"version":"1","data_folder":"{}"}})", ::getpid(), data);
      respond(std::move(response));
    };
  }
  ~Engine() { server_.stop(); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

 private:
  net::testing::TestServer server_;
};

class EngineFinderTest : public ::testing::Test {
 protected:
  EngineFinder finder(std::optional<std::string> url, std::string heir = {}) {
    EngineLifeOptions options;
    options.url = std::move(url);
    options.token = "first";
    options.data_folder = folder.path("elsewhere");
    options.program = folder.path("no-program");
    return EngineFinder(files, clock, std::move(options), std::move(heir));
  }
  // What an engine leaves in its data folder.
  void announce(const Engine& engine, const std::string& token) {
    ASSERT_TRUE(write_engine_file(files, folder.path(), {engine.url(), ::getpid(), "1", token}));
  }

  base::PosixFiles files;
  base::SystemClock clock;
  base::testing::TempDirectory folder;
};

TEST_F(EngineFinderTest, ANamedEngineThatIsGoneIsFollowedByTheOneOfItsDataFolder) {
  auto first = std::make_unique<Engine>(folder.path(), "first");
  auto found = finder(first->url());
  EXPECT_EQ(found.find(true)->url, first->url());
  const std::string gone = first->url();
  first.reset();
  EXPECT_EQ(found.find(true).error().code, ErrorCode::connection_failed) << "there is no other yet";
  const Engine second(folder.path(), "second");
  announce(second, "second");
  const auto next = found.find(true);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->url, second.url());
  EXPECT_EQ(next->token, "second");
  // Who never saw the first does not know whose folder it was, unless it was told.
  EXPECT_FALSE(finder(gone).find(true));
  EXPECT_EQ(finder(gone, folder.path()).find(true)->url, second.url());
}

TEST_F(EngineFinderTest, ANamedEngineThatDoesNotKnowTheTokenIsNoOther) {
  const Engine engine(folder.path(), "another");
  EXPECT_EQ(finder(engine.url()).find(true).error().code, ErrorCode::unauthorized);
}

TEST_F(EngineFinderTest, WithoutANameTheDataFolderTells) {
  auto found = finder({});
  EXPECT_EQ(found.find(false).error().code, ErrorCode::engine_not_found);
  EXPECT_NE(found.find(true).error().code, ErrorCode::engine_not_found) << "its program is not there";
  EXPECT_EQ(found.find(true).error().code, ErrorCode::engine_not_found) << "it is not tried again at once";
  const Engine engine(folder.path("elsewhere"), "t");
  ASSERT_TRUE(write_engine_file(files, folder.path("elsewhere"), {engine.url(), ::getpid(), "1", "t"}));
  EXPECT_EQ(found.find(false)->url, engine.url());
  EXPECT_EQ(found.find(true)->url, engine.url());
}

}  // namespace
}  // namespace telltale::app
