// sources.files, redaction.add and services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "config/load.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

base::Result<Loaded> load_yaml(const std::string& text) {
  base::testing::MemoryFiles files;
  files.put("telltale.yaml", "version: 1\n" + text);
  return load(files, {});
}

Config read(const std::string& text) {
  auto loaded = load_yaml(text);
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message());
  return loaded ? std::move(loaded->config) : Config{};
}

std::vector<std::string> problems(const std::string& text) {
  base::testing::MemoryFiles files;
  files.put("telltale.yaml", "version: 1\n" + text);
  std::vector<std::string> texts;
  for (const Problem& problem : check(files, {})) texts.push_back(problem.text());
  return texts;
}

TEST(FileSources, HaveDefaultsForAllButTheirPaths) {
  const Config config = read(R"(
sources:
  files:
    - paths: /var/log/*.log
    - {name: app, paths: [a/*.log, b/**/*.log], exclude: "*.gz", service: shop, labels: {team: payments, _x1: "2"}, start: end}
)");
  ASSERT_EQ(config.files.size(), 2U);
  EXPECT_EQ(config.files[0].name, "/var/log/*.log");
  EXPECT_THAT(config.files[0].paths, ElementsAre("/var/log/*.log"));
  EXPECT_EQ(config.files[0].start, "beginning");
  EXPECT_EQ(config.files[0].service, "");
  EXPECT_EQ(config.files[1].name, "app");
  EXPECT_THAT(config.files[1].paths, ElementsAre("a/*.log", "b/**/*.log"));
  EXPECT_THAT(config.files[1].exclude, ElementsAre("*.gz"));
  EXPECT_EQ(config.files[1].service, "shop");
  EXPECT_THAT(config.files[1].labels, ElementsAre(Pair("_x1", "2"), Pair("team", "payments")));
  EXPECT_EQ(config.files[1].start, "end");
}

TEST(FileSources, WhatIsWrongIsNamedByEntry) {
  EXPECT_THAT(
      problems(R"(
sources:
  files:
    - {service: shop}
    - {path: a.log}
    - {paths: []}
    - {paths: [a, {b: c}], start: middle}
    - {paths: a, labels: {level: info, "1x": y}}
    - a.log
)"),
      ElementsAre(
          "telltale.yaml:5: sources.files[0].paths: must name the files, with at least one pattern as in /var/log/app/*.log",
          "telltale.yaml:6: sources.files[1].path: is not a setting; did you mean sources.files[].paths?",
          "telltale.yaml:7: sources.files[2].paths: must name the files, with at least one pattern as in /var/log/app/*.log",
          "telltale.yaml:8: sources.files[3].paths[1]: must be a text, not a map",
          "telltale.yaml:8: sources.files[3].start: 'middle': must be beginning, end, or a time such as 2026-11-25T10:00:00Z or -10m",
          HasSubstr("telltale.yaml:9: sources.files[4].labels.1x: 'y': labels are named"),
          HasSubstr("telltale.yaml:9: sources.files[4].labels.level: 'info': labels are named"),
          "telltale.yaml:10: sources.files[5]: 'a.log': must be a map of settings"));
  EXPECT_THAT(problems("sources: {files: {paths: a}}"),
              ElementsAre("telltale.yaml:2: sources.files: must be a list of entries, each a map of settings"));
  EXPECT_THAT(problems("sources: {docker: {}}"), ElementsAre("telltale.yaml:2: sources.docker: is not a setting; allowed here: files"));
}

TEST(RedactionRules, PatternsAreTakenAsTheyAre) {
  const Config config = read(R"(
redaction:
  add:
    - {name: order, pattern: 'ORD-\d{6}${x}', keywords: [ORD-]}
)");
  ASSERT_EQ(config.redaction.add.size(), 1U);
  EXPECT_EQ(config.redaction.add[0].name, "order");
  EXPECT_EQ(config.redaction.add[0].pattern, R"(ORD-\d{6}${x})");
  EXPECT_THAT(config.redaction.add[0].keywords, ElementsAre("ORD-"));
  EXPECT_THAT(problems("redaction: {add: [{name: x}, {pattern: y}]}"),
              ElementsAre("telltale.yaml:2: redaction.add[0].pattern: is missing", "telltale.yaml:2: redaction.add[1].name: is missing"));
}

TEST(Services, TheMapAndTheListMeanTheSame) {
  const Config map = read(R"(
services:
  backend: {port: 5001, log_type: application, healthcheck: /api/health}
  worker:  {log_type: background, file: /var/log/worker.log}
  plain:
)");
  const Config list = read(R"(
services:
  - {name: backend, port: 5001, healthcheck: /api/health}
  - {name: worker, log_type: background, file: [/var/log/worker.log]}
  - name: plain
)");
  for (const Config& config : {map, list}) {
    ASSERT_EQ(config.services.size(), 3U);
    EXPECT_EQ(config.services[0].name, "backend");
    EXPECT_EQ(config.services[0].port, 5001);
    EXPECT_EQ(config.services[0].log_type, "application");
    EXPECT_EQ(config.services[0].healthcheck, "/api/health");
    EXPECT_EQ(config.services[1].log_type, "background");
    EXPECT_FALSE(config.services[1].port.has_value());
    EXPECT_EQ(config.services[2].name, "plain");
    ASSERT_EQ(config.files.size(), 1U);
    EXPECT_EQ(config.files[0].service, "worker");
    EXPECT_EQ(config.files[0].name, "worker");
    EXPECT_THAT(config.files[0].paths, ElementsAre("/var/log/worker.log"));
  }
}

TEST(Services, WhatIsWrongIsNamedByService) {
  EXPECT_THAT(problems(R"(
services:
  - {port: 1}
  - {name: "a b"}
  - {name: a, port: 0}
  - {name: b, healthcheck: /health}
  - {name: c, port: 1, healthcheck: health}
  - {name: d}
  - {name: d}
  - {name: e, fiel: x.log}
)"),
              ElementsAre("telltale.yaml:4: services[0].name: is missing",
                          "telltale.yaml:5: services[1].name: 'a b': must be of letters, digits, `_`, `.` and `-`, at most 100",
                          "telltale.yaml:6: services[2].port: '0': must be a whole number from 1 to 65535",
                          HasSubstr("telltale.yaml:7: services[3].healthcheck: '/health': must be a path"),
                          HasSubstr("telltale.yaml:8: services[4].healthcheck: 'health': must be a path"),
                          "telltale.yaml:10: services[6].name: 'd': is the name of an earlier service too",
                          "telltale.yaml:11: services[7].fiel: is not a setting; did you mean services[].file?"));
  EXPECT_THAT(problems("services: {a: {name: b}}"),
              ElementsAre("telltale.yaml:2: services.a.name: is given already by the key above it; take it out"));
  EXPECT_THAT(problems("services: a"), ElementsAre(HasSubstr("services: 'a': must be a map from names to settings, or a list")));
}

}  // namespace
}  // namespace telltale::config
