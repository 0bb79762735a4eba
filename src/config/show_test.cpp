#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "config/load.h"
#include "config/settings.h"
#include "config/value.h"

namespace telltale::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* sample = R"(version: 1
server:
  token: ${TOKEN}
  allowed_hosts: [a, "b # c"]
  tls: {certificate: "$${cert}", key: k}
redaction:
  add:
    - {name: order, pattern: 'ORD-\d{6}${x}'}
sources:
  files:
    - paths: ["${FOLDER}/*.log", '"quoted"']
      labels: {team: "${file:/team}", "on": "y"}
services:
  worker: {log_type: background, file: w.log}
  api: {port: 80, healthcheck: /health}
)";

class ShowTest : public ::testing::Test {
 protected:
  ShowTest() {
    files_.put("telltale.yaml", sample);
    files_.put("/team", "hidden-team");
    request_.environment = [](std::string_view name) -> std::optional<std::string> {
      if (name == "TOKEN") return "s3cret";
      if (name == "FOLDER") return "/hidden-folder";
      if (name == "LOG_LEVEL") return "ERROR";
      return std::nullopt;
    };
    request_.overrides = {{"server.port", "1"}};
  }
  Loaded loaded() {
    auto result = load(files_, request_);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    return result ? std::move(*result) : Loaded{};
  }

  base::testing::MemoryFiles files_;
  LoadRequest request_;
};

TEST_F(ShowTest, EachValueSaysWhereItCameFrom) {
  const std::string text = show_yaml(loaded());
  EXPECT_THAT(text, HasSubstr("  port: 1  # command line\n"));
  EXPECT_THAT(text, HasSubstr("  health_port: 8401  # default\n"));
  EXPECT_THAT(text, HasSubstr("  level: \"ERROR\"  # LOG_LEVEL\n"));
  EXPECT_THAT(text, HasSubstr("  tls:\n    certificate: \"$${cert}\"  # telltale.yaml:5\n    key: \"k\"  # telltale.yaml:5\n"));
  EXPECT_THAT(text, HasSubstr("  allowed_hosts: [\"a\", \"b # c\"]  # telltale.yaml:4\n"));
  EXPECT_THAT(text, HasSubstr("  add:\n    - name: \"order\"  # telltale.yaml:8\n"));
  EXPECT_THAT(text, HasSubstr("      paths: [\"${FOLDER}/*.log\", \"\\\"quoted\\\"\"]  # telltale.yaml:11\n"));
  EXPECT_THAT(text, HasSubstr("      start: \"beginning\"  # default\n"));
  EXPECT_THAT(text, HasSubstr("services:\n  - name: \"worker\"  # telltale.yaml:14\n    log_type: \"background\"  # telltale.yaml:14\n"));
}

TEST_F(ShowTest, SecretsAreNeverShown) {
  const Loaded all = loaded();
  EXPECT_EQ(all.config.server.token.reveal(), "s3cret");
  EXPECT_EQ(all.config.files[0].labels.at("team"), "hidden-team");
  for (const std::string& text : {show_yaml(all), show_json(all)}) {
    EXPECT_THAT(text, HasSubstr("***"));
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
    EXPECT_THAT(text, Not(HasSubstr("hidden-team")));
  }
}

TEST_F(ShowTest, WhatIsShownCanBeReadAgain) {
  const std::string first = show_yaml(loaded());
  files_.put("again.yaml", first);
  request_.path = "again.yaml";
  request_.overrides.clear();
  const Loaded again = loaded();
  EXPECT_EQ(again.config.server.port, 1);
  EXPECT_EQ(again.config.server.tls_certificate, "${cert}");
  EXPECT_EQ(again.config.redaction.add[0].pattern, R"(ORD-\d{6}${x})");
  EXPECT_EQ(again.config.files.size(), 2U);
  EXPECT_EQ(again.config.files[0].paths[0], "/hidden-folder/*.log");
  EXPECT_EQ(again.config.services[1].healthcheck, "/health");
}

TEST_F(ShowTest, JsonHasValuesAndOrigins) {
  const std::string text = show_json(loaded());
  EXPECT_THAT(text, HasSubstr(R"({"file": "telltale.yaml", "settings": {"server.host": {"value": "127.0.0.1", "from": "default"}, )"));
  EXPECT_THAT(text, HasSubstr(R"("server.port": {"value": 1, "from": "command line"})"));
  EXPECT_THAT(text, HasSubstr(R"("server.max_body_bytes": {"value": "8MiB", "from": "default"})"));
  EXPECT_THAT(text, HasSubstr(R"("server.allow_insecure": {"value": false, "from": "default"})"));
  EXPECT_THAT(text, HasSubstr(R"("services": [{"name": {"value": "worker", "from": "telltale.yaml:14"}, )"));
  EXPECT_THAT(text, HasSubstr(R"("warnings": []})"));
}

// The table and config.h state the same defaults.
TEST(SettingTable, DefaultsAreThoseOfConfig) {
  const Config config;
  for (const Setting& setting : setting_table) {
    const auto value = parse_value(setting, setting.default_text);
    ASSERT_TRUE(value) << setting.path;
    EXPECT_EQ(*value, setting.read(config)) << setting.path;
  }
}

TEST(SettingTable, WhatIsWrittenIsReadBack) {
  Config config;
  for (const Setting& setting : setting_table) {
    const Value value = setting.type == SettingType::boolean                         ? Value(!std::get<bool>(setting.read(config)))
                        : setting.type == SettingType::text_list                     ? Value(TextList{"x"})
                        : std::holds_alternative<std::int64_t>(setting.read(config)) ? Value(setting.max)
                                                                                     : Value(std::string("x"));
    setting.write(config, value);
    EXPECT_EQ(setting.read(config), value) << setting.path << " is too narrow in config.h, or another setting writes there";
  }
}

}  // namespace
}  // namespace telltale::config
