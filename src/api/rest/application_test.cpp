#include "api/rest/application.h"
#include "api/rest/testing/rest_doubles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "query/testing/memory_reader.h"
#include "record/gap.h"
#include "record/json_check.h"

namespace telltale::api {
namespace {

using query::testing::BatchBuilder;
using ::testing::HasSubstr;
using testing::InlineExecutor;
using ::testing::Not;
using testing::RoleTokens;
using ::testing::StartsWith;

constexpr base::UnixNanos t0 = 1'700'000'000'000'000'000;  // 2023-11-14T22:13:20Z

class FakeSource final : public sources::Source {
 public:
  base::Status start() override { return {}; }
  void stop() override {}
  sources::SourceHealth health() const override { return source_health; }
  sources::BarrierReport barrier(std::int64_t timeout_ns) override {
    barrier_timeout = timeout_ns;
    return report;
  }
  sources::SourceHealth source_health{"files", true, "", 2, 10};
  sources::BarrierReport report;
  std::int64_t barrier_timeout = 0;
};

// A store in memory whose disk can be full.
class FullStore final : public store::StoreReader {
 public:
  base::Status scan(const store::ScanRange& range, const store::StreamFilter& filter, const store::BatchVisitor& visitor) const override {
    return memory.scan(range, filter, visitor);
  }
  std::vector<record::StreamRef> streams() const override { return memory.streams(); }
  store::StoreStats stats() const override {
    store::StoreStats stats = memory.stats();
    stats.disk_full = disk_full;
    return stats;
  }
  std::string cursor(record::Sequence sequence) const override { return memory.cursor(sequence); }
  base::Result<record::Sequence> read_cursor(std::string_view text) const override { return memory.read_cursor(text); }

  query::testing::MemoryReader memory;
  bool disk_full = false;
};

class ApplicationTest : public ::testing::Test {
 protected:
  ApplicationTest() {
    store.memory.add(BatchBuilder(record::Labels({{"service", "api"}, {"file", "a.log"}}))
                         .line(t0, record::Severity::info, "hello")
                         .line(t0 + 1, record::Severity::error, "failed")
                         .take());
    store.memory.add(BatchBuilder(record::Labels({{"service", "web"}})).line(t0 + 2, record::Severity::info, "page").take());
    record::Gap gap;
    gap.reason = record::GapReason::rotated_away;
    gap.range = record::RawRange{5, 9, {}};
    store.memory.add(record::make_gap_batch(record::make_stream(record::Labels({{"service", "web"}})), gap, t0 + 3));
    registry = *runs::Registry::open({.clock = clock, .reader = store}, {});
    attributor = std::make_unique<const runs::Attributor>(*registry);
    application = make_application(
        {.sources = {&source},
         .store = store,
         .flush = [this](bool, std::int64_t) { return flushed; },
         .stream_summaries = [this] { return summaries; },
         .catalog_warnings = [this] { return warnings; },
         .registry = *registry,
         .attributor = *attributor,
         .hub = hub,
         .metrics = metrics,
         .clock = clock,
         .tokens = tokens,
         .queries = executor,
         .blocking = executor,
         .events = executor,
         .listeners = [] { return std::vector<ListenerInfo>{{PortRole::main, 8765}, {PortRole::metrics, 8001}}; },
         .settings = {.version = "1.2.3", .data_folder = "/data", .pid = 42, .allowed_hosts = {}, .allowed_origins = {"https://ui.test"}}});
  }

  static net::Request make_request(std::string method, std::string path, std::string token = "admin") {
    net::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = {{"host", "127.0.0.1:8765"}};
    if (!token.empty()) request.headers.emplace_back("authorization", "Bearer " + token);
    request.remote = "127.0.0.1:40000";
    request.local_port = 8765;
    return request;
  }
  net::Response send(net::Request request) {
    net::Response answer;
    int answers = 0;
    application->handle(std::move(request), [&](net::Response response) {
      answer = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    if (answer.content_type.ends_with("/json") || answer.content_type.ends_with("+json")) {
      EXPECT_TRUE(answer.body.ends_with('\n'));
      EXPECT_TRUE(record::is_json_line(answer.body.substr(0, answer.body.size() - 1))) << answer.body;
    }
    return answer;
  }
  net::Response get(std::string path, std::vector<std::pair<std::string, std::string>> query = {}) {
    net::Request request = make_request("GET", std::move(path));
    request.query = std::move(query);
    return send(std::move(request));
  }
  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }

  FullStore store;
  FakeSource source;
  base::testing::ManualClock clock{t0};
  telemetry::Metrics metrics;
  live::Hub hub{1 << 20};
  std::vector<store::StreamSummary> summaries;
  std::vector<std::string> warnings;
  RoleTokens tokens;
  InlineExecutor executor;
  base::Result<store::Committed> flushed = store::Committed{5};
  std::unique_ptr<runs::Registry> registry;
  std::unique_ptr<const runs::Attributor> attributor;
  std::unique_ptr<net::Application> application;
};

TEST_F(ApplicationTest, QueriesGiveStandardEntriesNewestFirst) {
  const net::Response response = get("/api/v1/query", {{"query", R"({service="api"})"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(
      response.body,
      StartsWith(
          R"({"records":[{"timestamp":"2023-11-14T22:13:20.000Z","source":"","stream":"file","content":"failed","level":"ERROR","service_name":"api","metadata":{"file":"a.log"},"context":{},"sequence":"2")"));
  EXPECT_THAT(response.body, HasSubstr(R"("next_cursor":null,"scanned_records":2,)"));
}

TEST_F(ApplicationTest, QueriesPageByCursor) {
  const net::Response first = get("/api/v1/query", {{"query", R"({service="api"})"}, {"limit", "1"}, {"direction", "forward"}});
  EXPECT_THAT(first.body, HasSubstr("\"content\":\"hello\""));
  const std::size_t at = first.body.find("\"next_cursor\":\"") + 15;
  const std::string cursor = first.body.substr(at, first.body.find('"', at) - at);
  const net::Response second =
      get("/api/v1/query", {{"query", R"({service="api"})"}, {"limit", "1"}, {"direction", "forward"}, {"cursor", cursor}});
  EXPECT_THAT(second.body, HasSubstr("\"content\":\"failed\""));
  EXPECT_THAT(second.body, Not(HasSubstr("\"content\":\"hello\"")));
}

TEST_F(ApplicationTest, LineFormatsNameTheNextPageInAHeader) {
  const net::Response text = get("/api/v1/query", {{"query", R"({service="api"})"}, {"limit", "1"}, {"format", "text"}});
  EXPECT_EQ(text.body, "2023-11-14T22:13:20.000Z api ERROR failed\n");
  EXPECT_EQ(text.content_type, "text/plain; charset=utf-8");
  EXPECT_NE(header(text, "Telltale-Next-Cursor"), "");
  const net::Response ndjson = get("/api/v1/query", {{"query", R"({service="api"})"}, {"format", "ndjson"}});
  EXPECT_EQ(std::count(ndjson.body.begin(), ndjson.body.end(), '\n'), 2);
  EXPECT_EQ(header(ndjson, "Telltale-Next-Cursor"), "");
}

TEST_F(ApplicationTest, WrongParametersAreNamed) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"limit", "0"},
                                                                                    {"limit", "100000"},
                                                                                    {"direction", "up"},
                                                                                    {"format", "xml"},
                                                                                    {"cursor", "nonsense!"},
                                                                                    {"start", "yesterday"},
                                                                                    {"query", "{service="},
                                                                                    {"limti", "5"}}) {
    const net::Response response = get("/api/v1/query", {{name, value}});
    EXPECT_EQ(response.status, 400) << name;
    EXPECT_EQ(response.content_type, "application/problem+json");
  }
  EXPECT_EQ(get("/api/v1/query", {{"start", "10"}, {"end", "9"}}).status, 400);
}

TEST_F(ApplicationTest, CountsStreamsLabelsAndGaps) {
  EXPECT_EQ(get("/api/v1/count", {{"query", "{}"}}).body, "{\"records\":3,\"errors\":1,\"gaps\":1}\n");
  EXPECT_EQ(get("/api/v1/labels").body, "{\"labels\":[\"file\",\"service\"],\"total\":2}\n");
  EXPECT_EQ(get("/api/v1/labels/service/values").body, "{\"values\":[\"api\",\"web\"],\"total\":2}\n");
  EXPECT_EQ(get("/api/v1/labels/service/values", {{"limit", "1"}}).body, "{\"values\":[\"api\"],\"total\":2}\n");
  EXPECT_EQ(get("/api/v1/labels/nothing/values").body, "{\"values\":[],\"total\":0}\n");
  summaries.push_back({.stream = record::make_stream(record::Labels({{"service", "web"}})),
                       .first_observed = t0 + 2,
                       .last_observed = t0 + 3,
                       .records = 1,
                       .gaps = 1});
  const net::Response streams = get("/api/v1/streams", {{"query", R"({service="web"})"}});
  EXPECT_THAT(streams.body,
              HasSubstr(R"("labels":{"service":"web"},"records":1,"errors":0,"gaps":1,)"
                        R"("first_observed":"2023-11-14T22:13:20.000000002Z","last_observed":"2023-11-14T22:13:20.000000003Z"}])"));
  EXPECT_THAT(get("/api/v1/streams", {{"query", R"({service="api"})"}}).body,
              HasSubstr(R"("records":0,"errors":0,"gaps":0,"first_observed":null,"last_observed":null}],"total":1})"));
  const net::Response gaps = get("/api/v1/gaps");
  EXPECT_THAT(gaps.body, HasSubstr(R"("reason":"rotated_away")"));
  EXPECT_THAT(gaps.body, HasSubstr(R"("from_byte":"5","to_byte":"9","lines":null)"));
}

TEST_F(ApplicationTest, SaysWhatItIs) {
  clock.advance(90 * base::nanos_per_second);
  EXPECT_THAT(
      get("/api/v1/status").body,
      HasSubstr(R"("version":"1.2.3","pid":42,"started":"2023-11-14T22:13:20.000000000Z","uptime_seconds":90,"data_folder":"/data")"));
  EXPECT_THAT(get("/api/v1/status").body, HasSubstr(R"("ports":{"main":8765,"metrics":8001})"));
  EXPECT_THAT(get("/api/v1/stats").body, HasSubstr(R"("disk_full":false)"));
  EXPECT_THAT(get("/openapi.yaml").body, StartsWith("openapi: 3.1.0\n"));
  EXPECT_THAT(get("/metrics").body, HasSubstr("# TYPE telltale_live_subscribers gauge\n"));
}

TEST_F(ApplicationTest, HealthIsTheWorstOfItsComponents) {
  EXPECT_THAT(get("/health").body, StartsWith(R"({"status":"healthy","components":[{"name":"store","status":"healthy","detail":""})"));
  source.source_health.healthy = false;
  source.source_health.detail = "x.log cannot be read";
  const net::Response degraded = get("/health");
  EXPECT_EQ(degraded.status, 200);
  EXPECT_THAT(degraded.body, HasSubstr(R"({"name":"source files","status":"degraded","detail":"x.log cannot be read"})"));
  warnings = {"Tokens are lost.", "It cannot be written."};
  EXPECT_THAT(get("/health").body,
              HasSubstr(R"({"name":"catalog","status":"degraded","detail":"Tokens are lost. It cannot be written."})"));
  store.disk_full = true;
  const net::Response unhealthy = get("/health");
  EXPECT_EQ(unhealthy.status, 503);
  EXPECT_THAT(unhealthy.body, StartsWith("{\"status\":\"unhealthy\""));
}

TEST_F(ApplicationTest, HealthWithoutTokenIsTheStatusAloneAndOnlyFromThisMachine) {
  EXPECT_EQ(send(make_request("GET", "/health", "")).body, "{\"status\":\"healthy\"}\n");
  EXPECT_EQ(send(make_request("GET", "/health", "wrong")).body, "{\"status\":\"healthy\"}\n");
  net::Request remote = make_request("GET", "/health", "");
  remote.remote = "10.0.0.9:40000";
  EXPECT_EQ(send(remote).status, 401);
}

TEST_F(ApplicationTest, TheMetricsPortServesMetricsAloneToThisMachine) {
  net::Request request = make_request("GET", "/metrics", "");
  EXPECT_EQ(send(request).status, 401);
  request.local_port = 8001;
  EXPECT_EQ(send(request).status, 200);
  request.remote = "10.0.0.9:40000";
  EXPECT_EQ(send(request).status, 401);
  net::Request other = make_request("GET", "/api/v1/status");
  other.local_port = 8001;
  EXPECT_EQ(send(other).status, 404);
}

TEST_F(ApplicationTest, TokensAndRolesAreAsked) {
  const net::Response missing = send(make_request("GET", "/api/v1/query", ""));
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(header(missing, "WWW-Authenticate"), "Bearer");
  EXPECT_EQ(send(make_request("GET", "/api/v1/query", "wrong")).status, 401);
  EXPECT_EQ(send(make_request("GET", "/api/v1/query", "viewer")).status, 200);
  EXPECT_EQ(send(make_request("GET", "/api/v1/query", "analyst")).status, 200);
  const net::Response scoped = send(make_request("GET", "/api/v1/query", "scoped"));
  EXPECT_EQ(scoped.status, 403);
  EXPECT_THAT(scoped.body, HasSubstr("limited to"));
  const net::Response ingester = send(make_request("GET", "/api/v1/query", "ingester"));
  EXPECT_EQ(ingester.status, 403);
  EXPECT_THAT(ingester.body, HasSubstr("viewer"));
  EXPECT_EQ(send(make_request("GET", "/api/v1/query", "viewer,ingester")).status, 200);
}

TEST_F(ApplicationTest, ForeignSitesAreRefused) {
  net::Request host = make_request("GET", "/health");
  host.headers[0].second = "evil.test";
  EXPECT_EQ(send(host).status, 421);
  net::Request origin = make_request("GET", "/health");
  origin.headers.emplace_back("origin", "https://evil.test");
  EXPECT_EQ(send(origin).status, 403);
  const net::UpgradeDecision upgrade = application->upgrade(origin);
  EXPECT_EQ(std::get<net::Response>(upgrade).status, 403);
}

TEST_F(ApplicationTest, AllowedOriginsMayReadAnswers) {
  net::Request preflight = make_request("OPTIONS", "/api/v1/query", "");
  preflight.headers.emplace_back("origin", "https://ui.test");
  const net::Response allowed = send(preflight);
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Origin"), "https://ui.test");
  EXPECT_THAT(header(allowed, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  EXPECT_EQ(header(get("/health"), "Access-Control-Allow-Origin"), "");
}

TEST_F(ApplicationTest, UnknownPathsAndMethods) {
  EXPECT_EQ(get("/nothing").status, 404);
  const net::Response response = send(make_request("DELETE", "/api/v1/query"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Allow"), "GET");
  EXPECT_EQ(header(send(make_request("GET", "/api/v1/barrier")), "Allow"), "POST");
  EXPECT_EQ(send(make_request("HEAD", "/health")).status, 200);
}

TEST_F(ApplicationTest, TheBarrierAsksSourcesAndStore) {
  net::Request request = make_request("POST", "/api/v1/barrier");
  request.body = R"({"timeout_ms":500})";
  EXPECT_THAT(send(request).body, StartsWith(R"({"complete":true,"missing":[],"cursor":")"));
  EXPECT_EQ(source.barrier_timeout, 500 * base::nanos_per_millisecond);
  source.report = {false, {"x.log: 10 bytes"}};
  flushed = base::fail(base::ErrorCode::timeout, "the store did not write in time");
  const net::Response incomplete = send(request);
  EXPECT_EQ(incomplete.status, 200);
  EXPECT_THAT(incomplete.body, StartsWith(R"({"complete":false,"missing":["x.log: 10 bytes","the store: the store did not write in time)"));
  request.body = "{";
  EXPECT_EQ(send(request).status, 400);
  request.body.assign(5000, ' ');
  EXPECT_EQ(send(request).status, 413);
}

TEST_F(ApplicationTest, AFullExecutorIsAnswered) {
  executor.refuses = true;
  EXPECT_EQ(get("/api/v1/query").status, 503);
  EXPECT_EQ(get("/health").status, 503);
}

TEST_F(ApplicationTest, StoreErrorsReachTheClient) {
  store.memory.fail_with({base::ErrorCode::io_error, "reading seg-1 failed", {}});
  const net::Response response = get("/api/v1/query");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("reading seg-1 failed"));
}

TEST_F(ApplicationTest, UpgradesNeedAPathATokenAndARole) {
  const auto status = [&](const net::Request& request) {
    const net::UpgradeDecision decision = application->upgrade(request);
    const auto* response = std::get_if<net::Response>(&decision);
    return response == nullptr ? 101 : response->status;
  };
  EXPECT_EQ(status(make_request("GET", "/stream")), 101);
  EXPECT_EQ(status(make_request("GET", "/", "viewer")), 101);
  EXPECT_EQ(status(make_request("GET", "/stream", "ingester")), 403);
  EXPECT_EQ(status(make_request("GET", "/stream", "")), 401);
  EXPECT_EQ(status(make_request("GET", "/elsewhere")), 404);
  net::Request parameter = make_request("GET", "/stream", "");
  parameter.query = {{"token", "viewer"}};
  EXPECT_EQ(status(parameter), 101);
  net::Request protocol = make_request("GET", "/stream", "");
  protocol.headers.emplace_back("sec-websocket-protocol", "telltale, bearer.viewer");
  EXPECT_EQ(status(protocol), 101);
}

}  // namespace
}  // namespace telltale::api
