// Secrets of an environment, and how an environment is shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing/environments_fixture.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using testing::EnvironmentsTest;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::spec_example;

TEST_F(EnvironmentsTest, AMissingSecretIsNamedWithItsPlaceAndStopsWhoNeedsIt) {
  yaml(R"(
e:
  mongodb: {host: h, password: "${MONGO_PASSWORD}"}
  ssh: {target_host: {host: h, password: "${file:/run/none}", key_passphrase: "${vault:kv/x}"}}
  kubernetes: {namespace: "${k8s:a/b/c}"}
  monitoring: {services: [{name: a, file: "${LOG_FOLDER}/a.log"}, {name: b, file: b.log}]}
)");
  EXPECT_THAT(
      missing(),
      ElementsAre("config/environments.yaml:3: mongodb.password: MONGO_PASSWORD env var not set",
                  HasSubstr("config/environments.yaml:4: ssh.target_host.password: the file of ${file:...} cannot be used: "),
                  "config/environments.yaml:4: ssh.target_host.key_passphrase: uses ${vault:...}, which is not available in this version "
                  "of telltale; use ${NAME} or ${file:/path}",
                  HasSubstr("config/environments.yaml:5: kubernetes.namespace: '${k8s:a/b/c}': uses ${k8s:...}, which is not available"),
                  "config/environments.yaml:6: monitoring.services[0].file: '${LOG_FOLDER}/a.log': LOG_FOLDER env var not set"));
  const LoadedEnvironment result = loaded();
  ASSERT_EQ(result.environment.services.size(), 1U) << "what is complete can be used";
  EXPECT_EQ(result.environment.services[0].name, "b");
  EXPECT_TRUE(missing_in(result, "checks"));
  EXPECT_TRUE(missing_in(result, "mongo")) << "sections, not beginnings of words";
  const auto mongodb = missing_in(result, "mongodb");
  ASSERT_FALSE(mongodb);
  EXPECT_EQ(mongodb.error().code, base::ErrorCode::secret_missing);
  EXPECT_EQ(mongodb.error().cause, "config/environments.yaml:3: mongodb.password: MONGO_PASSWORD env var not set");
  EXPECT_THAT(missing_in(result, "ssh").error().cause, HasSubstr("2 problems in ssh of environment e:\n  config/environments.yaml:4: "));
  EXPECT_EQ(problems().size(), 5U) << "the check says all of it";
}

TEST_F(EnvironmentsTest, ASecretInPlainTextIsWarnedOfAndNotShown) {
  yaml("e: {mongodb: {password: hunter2}}\n");
  const LoadedEnvironment result = loaded();
  EXPECT_THAT(result.warnings, ElementsAre("config/environments.yaml:1: mongodb.password: stands in the file in plain text; use ${NAME} or "
                                           "${file:/path}"));
  EXPECT_THAT(check_environments(files_, request_).warnings, ElementsAre(HasSubstr("stands in the file in plain text")));
  EXPECT_THAT(show_environment_yaml(result), HasSubstr("    password: \"***\"  # config/environments.yaml:1\n"));
  EXPECT_THAT(show_environment_json(result), HasSubstr(R"("password": {"$secret": "***"})"));
  EXPECT_EQ(secrets_json(result), "{\"mongodb.password\": \"hunter2\"}\n");
}

TEST_F(EnvironmentsTest, PartsOfASecretInPlainTextAreNotShownEither) {
  variables_["TAIL"] = "tail";
  yaml(
      "e: {mongodb: {password: \"${NONE:-hunter2}\"}, ssh: {target_host: {password: \"hunter3${TAIL}\", key_passphrase: "
      "\"hunter4${NONE}\"}}}\n");
  const LoadedEnvironment result = loaded();
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("mongodb.password: stands in the file in plain text"),
                                           HasSubstr("ssh.target_host.password: stands in the file in plain text")));
  const std::string json = show_environment_json(result);
  EXPECT_THAT(json, HasSubstr(R"("password": {"$secret": "${NONE:-***}"})"));
  EXPECT_THAT(json, HasSubstr(R"("password": {"$secret": "***${TAIL}"})"));
  EXPECT_THAT(json, HasSubstr(R"("key_passphrase": {"$secret": "***${NONE}"})"));
  for (const std::string& text : {json, show_environment_yaml(result)}) EXPECT_THAT(text, Not(HasSubstr("hunter")));
  EXPECT_THAT(secrets_json(result), HasSubstr(R"("mongodb.password": "hunter2")"));
}

TEST_F(EnvironmentsTest, SecretsAreShownAsTheyWereWritten) {
  files_.put("/srv/secrets/db", "hidden-of-file\n");
  variables_ = {{"PW", "hidden-pw"}, {"HOST", "db.example"}, {"TOKEN", "hidden-token"}};
  yaml(R"(
e:
  mongodb: {host: "${HOST}", username: "${file:secrets/db}", password: "${PW}"}
  monitoring: {services: [{name: a, command: [run, "--token=${TOKEN}"], env: {TOKEN: "${TOKEN}", PLAIN: p}}]}
  extra: {url: "http://${TOKEN}@x", list: [1, "${NONE}"]}
)");
  const LoadedEnvironment result = loaded();
  EXPECT_EQ(result.environment.values.text("mongodb.username"), "hidden-of-file") << "relative to the folder above `config`";
  const std::string json = show_environment_json(result);
  EXPECT_THAT(json, HasSubstr(R"("host": "db.example")"));
  EXPECT_THAT(json, HasSubstr(R"("username": {"$secret": "${file:secrets/db}"})"));
  EXPECT_THAT(json, HasSubstr(R"("password": {"$secret": "${PW}"})"));
  EXPECT_THAT(json, HasSubstr(R"("env": {"TOKEN": {"$secret": "${TOKEN}"}, "PLAIN": "p"})"));
  EXPECT_THAT(json, HasSubstr(R"("extra": {"url": {"$secret": "http://${TOKEN}@x"}, "list": [1, {"$secret": "${NONE}"}]})"));
  EXPECT_THAT(json, HasSubstr(R"("command": ["run", {"$secret": "--token=${TOKEN}"}], "ready": null, "after": [])"));
  for (const std::string& text : {json, show_environment_yaml(result)}) EXPECT_THAT(text, Not(HasSubstr("hidden-")));
  EXPECT_EQ(secrets_json(result),
            R"({"mongodb.username": "hidden-of-file", "mongodb.password": "hidden-pw", )"
            R"("monitoring.services[0].command[1]": "--token=hidden-token", "monitoring.services[0].env.TOKEN": "hidden-token", )"
            R"("extra.url": "http://hidden-token@x", "extra.list[1]": null})"
            "\n");
}

TEST_F(EnvironmentsTest, JsonHasTheServicesAsARunTakesThem) {
  yaml(R"(
e:
  monitoring:
    services:
      - {name: a, file: logs/*.log, clock_offset: 1500us, error_patterns: {ignore: [fine]}}
      - {name: b, selector: app=b}
      - {name: c, command: ./c, ready: {http: "http://[::1]:80"}, after: a}
)");
  EXPECT_THAT(show_environment_json(loaded()),
              HasSubstr(R"("services": [{"name": "a", "files": ["/srv/logs/*.log"], "clock_offset_ms": 1.5, "error_patterns": )"
                        R"({"add": [], "ignore": ["fine"], "replace": []}}, {"name": "b", "files": [], "selector": "app=b"}, )"
                        R"({"name": "c", "files": [], "command": "./c", "ready": {"http": "http://[::1]:80/"}, "after": ["a"], )"
                        R"("cwd": "/srv", "ready_timeout_ms": 30000}], "missing": [], "warnings": [)"));
}

TEST_F(EnvironmentsTest, WhatIsShownCanBeReadAgain) {
  yaml(spec_example);
  variables_["MONGO_PASSWORD"] = "s3cret";
  const LoadedEnvironment first = loaded();
  const std::string text = show_environment_yaml(first);
  EXPECT_THAT(text, HasSubstr("    port: 27018  # config/environments.yaml:5\n"));
  EXPECT_THAT(text, HasSubstr("      port: 22  # default\n"));
  EXPECT_THAT(text, HasSubstr("    services:\n      - name: \"focus-server\"  # config/environments.yaml:15\n"));
  files_.put("again.yaml", text);
  request_.env_file = "again.yaml";
  const LoadedEnvironment again = loaded();
  EXPECT_EQ(again.environment.name, "new_production");
  EXPECT_EQ(again.environment.services.size(), 2U);
  EXPECT_EQ(again.environment.services[1].clock_offset_ns, -200'000'000);
  EXPECT_EQ(again.environment.values.number("mongodb.port", 0), 27018);
  EXPECT_EQ(again.environment.values.text("extra.focus_server.pin"), "0042");
}

}  // namespace
}  // namespace telltale::config
