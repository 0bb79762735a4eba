// Events, runs, tests and logs through the application, on a real registry and store in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/rest/application.h"
#include "api/rest/testing/rest_doubles.h"
#include "net/http/http.h"
#include "record/json_check.h"
#include "runs/files/testing/run_files_harness.h"

namespace telltale::api {
namespace {

using ::testing::HasSubstr;
using testing::InlineExecutor;
using testing::RoleTokens;
using ::testing::StartsWith;

constexpr std::uint64_t connection = 77;

class RunRoutesTest : public ::testing::Test {
 protected:
  RunRoutesTest() {
    application =
        make_application({.sources = {},
                          .store = run.store(),
                          .flush = [this](bool, std::int64_t timeout) { return run.store().flush(false, timeout); },
                          .stream_summaries = [] { return std::vector<store::StreamSummary>(); },
                          .catalog_warnings = [] { return std::vector<std::string>(); },
                          .registry = run.registry(),
                          .attributor = attributor,
                          .files = &run.files(),
                          .hub = hub,
                          .metrics = metrics,
                          .clock = clock,
                          .tokens = tokens,
                          .queries = executor,
                          .blocking = executor,
                          .events = events,
                          .listeners = [] { return std::vector<ListenerInfo>{{PortRole::main, 8765}}; },
                          .settings = {.version = "1.2.3", .data_folder = "/data", .pid = 1, .allowed_hosts = {}, .allowed_origins = {}}});
  }

  net::Response ask(const std::string& method, const std::string& path, const std::string& body = {}, const std::string& token = "admin") {
    net::Request request;
    request.method = method;
    const std::size_t mark = path.find('?');
    request.path = path.substr(0, mark);
    if (mark != std::string::npos) {
      const std::string pair = path.substr(mark + 1);
      request.query = {{pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1)}};
    }
    request.headers = {{"host", "127.0.0.1:8765"}, {"authorization", "Bearer " + token}};
    request.body = body;
    request.remote = "127.0.0.1:40000";
    request.local_port = 8765;
    request.connection = connection;
    net::Response answer;
    application->handle(std::move(request), [&](net::Response response) { answer = std::move(response); });
    if (answer.content_type.ends_with("/json") || answer.content_type.ends_with("+json")) {
      EXPECT_TRUE(record::is_json_line(answer.body.substr(0, answer.body.size() - 1))) << answer.body;
    }
    return answer;
  }
  net::Response get(const std::string& path) { return ask("GET", path); }
  std::string event(std::string_view type, const std::string& id, const std::string& members = {}) {
    return R"({"id":")" + id + R"(","time":")" + base::format_rfc3339(run.now()) + R"(","type":")" + std::string(type) + "\"" +
           (members.empty() ? "" : "," + members) + "}";
  }
  net::Response post(const std::string& name, const std::string& events_text, const std::string& token = "ingester") {
    return ask("POST", "/api/v1/runs/" + name + "/events", "{\"events\":[" + events_text + "]}", token);
  }

  base::testing::MemoryFiles disk;
  runs::RunFilesHarness run{disk, disk};
  runs::Attributor attributor{run.registry()};
  live::Hub hub{1 << 20};
  telemetry::Metrics metrics;
  base::SystemClock clock;
  RoleTokens tokens;
  InlineExecutor executor;
  InlineExecutor events;
  std::unique_ptr<net::Application> application;
};

TEST_F(RunRoutesTest, EventsThatAreKeptKeepTheirConnection) {
  const net::Response answer = post("r", event("run_started", "1"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith(R"({"accepted":1,"duplicates":0,"time":")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("output":"none","warnings":[]})"));
  EXPECT_TRUE(answer.keep_idle);
  EXPECT_FALSE(post("unknown", event("run_finished", "1", R"("outcome":"passed")")).keep_idle);
  EXPECT_FALSE(get("/api/v1/runs").keep_idle);
}

TEST_F(RunRoutesTest, TheEndOfAConnectionReachesTheRegistry) {
  EXPECT_EQ(post("r", event("run_started", "1")).status, 200);
  application->connection_closed(connection + 1);
  run.advance(2500);
  run.registry().tick();
  EXPECT_THAT(get("/api/v1/runs/r").body, HasSubstr(R"("state":"running")"));
  application->connection_closed(connection);
  run.advance(2500);
  run.registry().tick();
  EXPECT_THAT(get("/api/v1/runs/r").body, HasSubstr(R"("state":"finished","outcome":"interrupted","ended_by":"connection_closed")"));
}

TEST_F(RunRoutesTest, EventsNeedTheIngestersRole) {
  EXPECT_EQ(post("r", event("run_started", "1"), "viewer").status, 403);
  EXPECT_EQ(post("r", event("run_started", "1"), "nobody").status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/runs", {}, "ingester").status, 403);
}

TEST_F(RunRoutesTest, RefusalsSayWhatIsWrong) {
  EXPECT_THAT(post("r", event("dance", "1")).body, HasSubstr("event 0"));
  EXPECT_EQ(post("r", event("dance", "1")).status, 400);
  EXPECT_EQ(post("r", event("run_finished", "1", R"("outcome":"passed")")).status, 404);
  EXPECT_EQ(ask("POST", "/api/v1/runs/r/events", "{").status, 400);
  events.refuses = true;
  EXPECT_EQ(post("r", event("run_started", "1")).status, 503);
}

TEST_F(RunRoutesTest, ARunAndItsTestsAreShown) {
  run.start_run("r", "/logs", R"({"name":"api","files":["/var/log/api.log"]})");
  run.advance(10);
  run.start_test("r", "t1");
  run.advance(10);
  run.log("api", "it fails", {}, true);
  run.advance(10);
  run.finish_test("r", "t1", "failed");
  run.advance(10);
  run.finish_run("r");
  const std::string shown = get("/api/v1/runs/r").body;
  EXPECT_THAT(shown,
              HasSubstr(R"("records":1,"errors":1,"possible_errors":0,"services":[{"name":"api","streams":1,"records":1,"errors":1}])"));
  EXPECT_THAT(shown, HasSubstr(R"("tests_with_errors":[{"test":"t1","node_id":"t.py::t1","worker":"master","attempt":1,"outcome":"failed",)"
                               R"("errors":1,"possible_errors":0}],"more_tests_with_errors":0,"gaps":[],"more_gaps":0})"));
  EXPECT_THAT(shown, HasSubstr(R"("output":{"state":"local","folder":"/logs","final":false,"problem":null})"));
  EXPECT_THAT(get("/api/v1/tests?outcome=failed").body, StartsWith(R"({"tests":[{"test":"t1","run":"r","node_id":"t.py::t1")"));
  EXPECT_THAT(get("/api/v1/tests?outcome=running").body, StartsWith(R"({"tests":[],"next_cursor":null)"));
  EXPECT_THAT(get("/api/v1/tests/t1").body, HasSubstr(R"("outcome":"failed","ended_by":null)"));
  const std::string logs = get("/api/v1/tests/t1/logs").body;
  EXPECT_THAT(logs, StartsWith(R"({"test":"t1","provisional":false,"records":[{"timestamp":)"));
  EXPECT_THAT(logs, HasSubstr(R"("attribution":{"method":"sole","tests":["t1"]}}],"next_cursor":null,)"));
  EXPECT_EQ(get("/api/v1/tests/t1/logs?format=file").body.substr(26), "[api] it fails\n");
  EXPECT_THAT(get("/api/v1/runs/r/report?format=text").body, HasSubstr("Tests with pod errors: 1"));
}

TEST_F(RunRoutesTest, FilesAreAwaitedAwayFromTheThreadsOfQueries) {
  run.start_run("r", "/logs");
  run.finish_run("r");
  EXPECT_THAT(get("/api/v1/runs/r").body, HasSubstr(R"("final":false)"));
  run.pump();
  EXPECT_THAT(get("/api/v1/runs/r?wait_ms=5000").body, HasSubstr(R"("final":true)"));
}

TEST_F(RunRoutesTest, ALineOfAServiceWithSeveralStreamsNamesItsOwn) {
  run.start_run("r", "/logs", R"({"name":"shop","files":["/var/log/*.log"]})");
  run.start_test("r", "t1");
  run.advance(10);
  run.log("api", "one");
  run.log("db", "two");
  run.advance(10);
  run.finish_test("r", "t1");
  const std::string body = get("/api/v1/tests/t1/logs?format=file").body;
  EXPECT_THAT(body, HasSubstr("] [shop/api.log] one\n"));
  EXPECT_THAT(body, HasSubstr("] [shop/db.log] two\n"));
}

TEST_F(RunRoutesTest, EventsAreNotAmongNamesAndValuesOfLabels) {
  run.start_run("r", "/logs");
  EXPECT_EQ(get("/api/v1/labels").body, "{\"labels\":[],\"total\":0}\n");
  run.log("api", "hello");
  EXPECT_EQ(get("/api/v1/labels/service/values").body, "{\"values\":[\"api\"],\"total\":1}\n");
  EXPECT_THAT(get("/health").body, HasSubstr(R"({"name":"runs","status":"healthy","detail":"1 run is open"})"));
}

}  // namespace
}  // namespace telltale::api
