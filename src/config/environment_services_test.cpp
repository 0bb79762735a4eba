// Services of an environment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing/environments_fixture.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using testing::EnvironmentsTest;
using ::testing::HasSubstr;

TEST_F(EnvironmentsTest, EveryServiceHasTheCommonPatterns) {
  yaml(R"(
e:
  monitoring:
    error_patterns: {add: [refused], ignore: [0 errors], replace: [boom]}
    services:
      a: {file: a.log}
      b: {files: [b.log, /var/b.log, ~/b.log], error_patterns: {add: [stuck], ignore: [fine], replace: [bang]}}
)");
  const auto services = loaded().environment.services;
  ASSERT_EQ(services.size(), 2U);
  EXPECT_THAT(services[0].error_patterns.add, ElementsAre("refused"));
  EXPECT_THAT(services[0].error_patterns.replace, ElementsAre("boom"));
  EXPECT_THAT(services[1].error_patterns.add, ElementsAre("refused", "stuck"));
  EXPECT_THAT(services[1].error_patterns.ignore, ElementsAre("0 errors", "fine"));
  EXPECT_THAT(services[1].error_patterns.replace, ElementsAre("bang"));
  EXPECT_THAT(services[1].files, ElementsAre("/srv/b.log", "/var/b.log", "/home/tester/b.log"));
}

TEST_F(EnvironmentsTest, BlankPatternsAreRefused) {
  EXPECT_THAT(
      problems_of("  monitoring: {error_patterns: {ignore: [\" \"]}}\n"),
      ElementsAre("config/environments.yaml:2: monitoring.error_patterns.ignore: holds a blank text, which would stand in every line"));
  EXPECT_THAT(problems_of("  monitoring:\n    services:\n      - {name: a, file: a.log, error_patterns: {add: [x, \"\"]}}\n"),
              ElementsAre("config/environments.yaml:4: monitoring.services[0].error_patterns.add: holds a blank text, which would stand in "
                          "every line"));
}

TEST_F(EnvironmentsTest, ServicesSayHowTheyAreStarted) {
  variables_["PORT"] = "8123";
  yaml(R"(
e:
  monitoring:
    services:
      - {name: web, command: "exec ./web --name ${USER}", ready: "listening on", after: [ledger, stock], cwd: web, ready_timeout: 5s}
      - {name: stock, command: [./stock, --port, "${PORT}"], ready: 8123, env: {TOKEN: "${PORT}", A_1: x}}
      - {name: ledger, command: [./ledger], ready: {http: "http://127.0.0.1:${PORT}/health"}, file: ledger.log, clock_offset: 5s}
      - {name: api, command: ./api, port: 80, ready: /health}
)");
  const auto services = loaded().environment.services;
  ASSERT_EQ(services.size(), 4U);
  EXPECT_THAT(services[0].command, ElementsAre("/bin/sh", "-c", "exec ./web --name ${USER}")) << "the shell replaces its own ${...}";
  EXPECT_EQ(services[0].ready.kind, Ready::Kind::line);
  EXPECT_EQ(services[0].ready.line, "listening on");
  EXPECT_THAT(services[0].after, ElementsAre("ledger", "stock"));
  EXPECT_EQ(services[0].cwd, "/srv/web");
  EXPECT_EQ(services[0].ready_timeout_ns, 5'000'000'000);
  EXPECT_THAT(services[1].command, ElementsAre("./stock", "--port", "8123"));
  EXPECT_EQ(services[1].ready.kind, Ready::Kind::port);
  EXPECT_EQ(services[1].ready.port, 8123);
  EXPECT_EQ(services[1].env.at("TOKEN").reveal(), "8123");
  EXPECT_EQ(services[1].cwd, "/srv");
  EXPECT_EQ(services[1].ready_timeout_ns, 30'000'000'000);
  EXPECT_EQ(services[2].ready.kind, Ready::Kind::http);
  EXPECT_EQ(services[2].ready.host, "127.0.0.1");
  EXPECT_EQ(services[2].ready.port, 8123);
  EXPECT_EQ(services[2].ready.path, "/health");
  EXPECT_TRUE(services[2].has_clock_offset);
  EXPECT_EQ(services[2].clock_offset_ns, 5'000'000'000);
  EXPECT_EQ(services[3].ready.port, 80) << "a path is asked at the service's port";
  EXPECT_THAT(start_order(services), ElementsAre(1, 2, 0, 3));
}

TEST_F(EnvironmentsTest, ServicesOfTelltaleYamlMeanTheSame) {
  files_.put("telltale.yaml",
             "version: 1\nservices:\n  web: {command: [./web], ready: up, error_patterns: {add: [x]}}\n  db: {file: db.log}\n");
  const auto settings = load(files_, request_);
  ASSERT_TRUE(settings) << settings.error().message();
  const auto& services = settings->config.services;
  ASSERT_EQ(services.size(), 2U);
  EXPECT_THAT(services[0].command, ElementsAre("./web"));
  EXPECT_EQ(services[0].ready.line, "up");
  EXPECT_THAT(services[0].error_patterns.add, ElementsAre("x"));
  EXPECT_THAT(services[1].files, ElementsAre("/srv/db.log"));
}

TEST_F(EnvironmentsTest, WhatIsWrongWithAServiceIsNamedWithItsLine) {
  EXPECT_THAT(
      problems_of(R"(  monitoring:
    services:
      - {name: a, file: ""}
      - {name: b, command: []}
      - {name: c, ready: up}
      - {name: d, command: x, ready: {line: a, port: 1}}
      - {name: f, command: x, ready: {http: "https://x/"}}
      - {name: g, command: x, ready: /health}
      - {name: h, command: x, env: {"A B": x}}
      - {name: i, command: x, ready: ""}
      - {name: j, clock_offset: soon}
      - {name: k, command: {a: b}}
      - {file: x.log}
)"),
      ElementsAre("config/environments.yaml:12: e.monitoring.services[8].clock_offset: 'soon': must be a time from -365d to 365d, as in "
                  "5s or -200ms",
                  "config/environments.yaml:13: e.monitoring.services[9].command: must be a text, or a list of program and arguments, "
                  "not a map",
                  "config/environments.yaml:14: e.monitoring.services[10].name: is missing"));
  files_.put("/srv/token", "s3cret");
  EXPECT_THAT(
      problems_of(R"(  monitoring:
    services:
      - {name: a, file: ""}
      - {name: b, command: []}
      - {name: c, ready: up}
      - {name: d, command: x, ready: {line: a, port: 1}}
      - {name: f, command: x, ready: {http: "https://x/"}}
      - {name: g, command: x, ready: /health}
      - {name: h, command: x, env: {"A B": x}}
      - {name: i, command: x, ready: ""}
      - {name: j, command: [x, "${file:token}"]}
)"),
      ElementsAre(
          "config/environments.yaml:4: monitoring.services[0].file: must name files, as in logs/api*.log",
          "config/environments.yaml:5: monitoring.services[1].command: must name a program to start",
          HasSubstr("config/environments.yaml:6: monitoring.services[2].ready: is of a service that telltale starts; give it a `command`"),
          "config/environments.yaml:7: monitoring.services[3].ready: must be one of `line: TEXT`, `port: NUMBER` and `http: ADDRESS`",
          HasSubstr("config/environments.yaml:8: monitoring.services[4].ready.http: 'https://x/': must be an address as in http://127.0."),
          HasSubstr("config/environments.yaml:9: monitoring.services[5].ready.http: '/health': must be an address"),
          HasSubstr("config/environments.yaml:10: monitoring.services[6].env: 'A B': variables are named"),
          HasSubstr("config/environments.yaml:11: monitoring.services[7].ready.line: must be a text"),
          HasSubstr("config/environments.yaml:12: monitoring.services[8].command[1]: '${file:token}': would put a secret")));
}

TEST_F(EnvironmentsTest, ServicesWaitForOthersThatThereAre) {
  EXPECT_THAT(problems_of(R"(  monitoring:
    services:
      a: {command: x, after: b}
      b: {command: x, after: [c]}
      c: {command: x, after: [a]}
)"),
              ElementsAre("config/environments.yaml:4: monitoring.services.a.after: waits for itself: a -> b -> c -> a",
                          "config/environments.yaml:5: monitoring.services.b.after: waits for itself: b -> c -> a -> b",
                          "config/environments.yaml:6: monitoring.services.c.after: waits for itself: c -> a -> b -> c"));
  EXPECT_THAT(problems_of("  monitoring: {services: {a: {command: x, after: [bb]}, b: {command: y}}}\n"),
              ElementsAre("config/environments.yaml:2: monitoring.services.a.after: 'bb': is not one of the services: a, b"));
}

TEST_F(EnvironmentsTest, ASelectorIsWarnedOfAndTheOthersGoOn) {
  yaml("e: {monitoring: {services: [{name: pods, selector: app=x}, {name: files, file: x.log}]}}\n");
  const LoadedEnvironment result = loaded();
  EXPECT_EQ(result.environment.services.size(), 2U);
  EXPECT_THAT(result.warnings,
              ElementsAre("config/environments.yaml:1: monitoring.services[0].selector: pods is not watched: this version of "
                          "telltale has no Kubernetes source yet; the other services are watched"));
}

}  // namespace
}  // namespace telltale::config
