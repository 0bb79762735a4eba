#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/memory_files.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    request_.home = "/home/tester";
    request_.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
  }

  // With `version: 1` before it.
  void yaml(std::string_view text) { files_.put("telltale.yaml", "version: 1\n" + std::string(text)); }

  Loaded loaded() {
    auto result = load(files_, request_);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    return result ? std::move(*result) : Loaded{};
  }
  std::vector<std::string> problems() {
    std::vector<std::string> texts;
    for (const Problem& problem : check(files_, request_)) texts.push_back(problem.text());
    return texts;
  }

  base::testing::MemoryFiles files_;
  std::map<std::string, std::string> variables_;
  LoadRequest request_;
};

TEST_F(LoadTest, WithoutAFileTheDefaultsAreUsed) {
  const Loaded result = loaded();
  EXPECT_EQ(result.config.path, "");
  EXPECT_EQ(result.config.server.port, 8765);
  EXPECT_TRUE(result.origins.empty());
  EXPECT_TRUE(result.warnings.empty());
}

TEST_F(LoadTest, TheFirstFileOfTheSearchOrderCounts) {
  files_.put("/etc/telltale/telltale.yaml", "version: 1\nserver: {port: 3}\n");
  EXPECT_EQ(loaded().config.server.port, 3);
  files_.put("/home/tester/.config/telltale/telltale.yaml", "version: 1\nserver: {port: 2}\n");
  EXPECT_EQ(loaded().config.server.port, 2);
  files_.put("telltale.yaml", "version: 1\nserver: {port: 1}\n");
  EXPECT_EQ(loaded().config.server.port, 1);
  EXPECT_EQ(loaded().config.path, "telltale.yaml");
  files_.put("other.yaml", "version: 1\nserver: {port: 4}\n");
  request_.path = "other.yaml";
  EXPECT_EQ(loaded().config.server.port, 4);
}

TEST_F(LoadTest, ANamedFileMustBeThere) {
  request_.path = "none.yaml";
  const auto result = load(files_, request_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::config_not_found);
  EXPECT_THAT(result.error().cause, HasSubstr("none.yaml"));
}

TEST_F(LoadTest, AFileThatCannotBeReadIsNotPassedOver) {
  ASSERT_TRUE(files_.make_directories("telltale.yaml"));
  files_.put("/etc/telltale/telltale.yaml", "version: 1\n");
  const auto result = load(files_, request_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::is_directory);
}

TEST_F(LoadTest, ReadsEveryKindOfValue) {
  yaml(R"(
server:
  host: "::1"
  port: 9000
  tls: {certificate: cert.pem, key: key.pem}
  require_token: no
  allowed_origins: [https://a.example, http://b.example]
  allowed_hosts: logs.example
  max_body_bytes: 1MiB
  request_timeout: 1m30s
store:
  retention_age: 7d
  compression: NONE
pipeline: {assume_zone: "+02:00"}
detection:
  add:
    - connection refused
log:
  level: debug
)");
  const Config config = loaded().config;
  EXPECT_EQ(config.server.host, "::1");
  EXPECT_EQ(config.server.port, 9000);
  EXPECT_EQ(config.server.tls_certificate, "cert.pem");
  EXPECT_EQ(config.server.tls_key, "key.pem");
  EXPECT_FALSE(config.server.require_token);
  EXPECT_THAT(config.server.allowed_origins, ElementsAre("https://a.example", "http://b.example"));
  EXPECT_THAT(config.server.allowed_hosts, ElementsAre("logs.example"));
  EXPECT_EQ(config.server.max_body_bytes, 1U << 20);
  EXPECT_EQ(config.server.request_timeout_ns, 90'000'000'000);
  EXPECT_EQ(config.store.retention_age_ns, 7ll * 86'400 * 1'000'000'000);
  EXPECT_EQ(config.store.compression, "none");
  EXPECT_EQ(config.pipeline.assume_zone, "+02:00");
  EXPECT_THAT(config.detection.add, ElementsAre("connection refused"));
  EXPECT_EQ(config.log.level, "DEBUG");
}

TEST_F(LoadTest, CommandLineThenEnvironmentThenFileThenDefault) {
  EXPECT_EQ(loaded().config.store.data, "./telltale-data");
  yaml("store: {data: of-the-file}");
  EXPECT_EQ(loaded().config.store.data, "of-the-file");
  variables_["TELLTALE_DATA"] = "of-the-environment";
  EXPECT_EQ(loaded().config.store.data, "of-the-environment");
  request_.overrides = {{"store.data", "an earlier option"}, {"store.data", "of-the-command-line"}};
  EXPECT_EQ(loaded().config.store.data, "of-the-command-line");
}

TEST_F(LoadTest, TheVariablesOfTheClientLibrariesCountForTheEngineToo) {
  variables_ = {{"LOG_LEVEL", "warning"}, {"LOG_SERVICE_HOST", "localhost"}, {"LOG_SERVICE_PORT", "9999"}, {"LOG_BUFFER_SIZE", "50"}};
  Config config = loaded().config;
  EXPECT_EQ(config.log.level, "WARNING");
  EXPECT_EQ(config.server.host, "localhost");
  EXPECT_EQ(config.server.port, 9999);
  EXPECT_EQ(config.server.tail_records, 50U);
  variables_["TELLTALE_PORT"] = "1234";
  EXPECT_EQ(loaded().config.server.port, 1234) << "the engine's own variable wins";
  variables_["TELLTALE_PORT"] = "";
  EXPECT_EQ(loaded().config.server.port, 9999) << "an empty variable is not set";
}

TEST_F(LoadTest, LevelsOfOtherLoggersAreUnderstood) {
  for (const auto& [word, level] : {std::pair("critical", "ERROR"), std::pair("WARN", "WARNING"), std::pair("trace", "DEBUG")}) {
    variables_["LOG_LEVEL"] = word;
    EXPECT_EQ(loaded().config.log.level, level);
  }
}

TEST_F(LoadTest, ListsInVariablesAreSplitAtCommas) {
  variables_["TELLTALE_ALLOWED_HOSTS"] = "a.example, b.example,,";
  EXPECT_THAT(loaded().config.server.allowed_hosts, ElementsAre("a.example", "b.example"));
}

TEST_F(LoadTest, TextsTakeVariablesDefaultsAndFiles) {
  variables_ = {{"FOLDER", "/data"}, {"EMPTY", ""}};
  files_.put("/run/secrets/token", "s3cret\n");
  yaml(R"(
store: {data: "${FOLDER}/${MISSING:-here}/${EMPTY:-there}"}
server: {token: "${file:/run/secrets/token}"}
detection: {add: ["$${literal}", "a $ and a {brace}"]}
)");
  const Loaded result = loaded();
  EXPECT_EQ(result.config.store.data, "/data/here/there");
  EXPECT_EQ(result.config.server.token.reveal(), "s3cret");
  EXPECT_THAT(result.config.detection.add, ElementsAre("${literal}", "a $ and a {brace}"));
  EXPECT_TRUE(result.warnings.empty());
}

TEST_F(LoadTest, OtherKindsOfSecretsComeInFromOutside) {
  request_.secrets["vault"] = [](std::string_view reference) -> base::Result<std::string> { return "of " + std::string(reference); };
  yaml("server: {token: \"${vault:kv/token}\"}");
  EXPECT_EQ(loaded().config.server.token.reveal(), "of kv/token");
}

TEST_F(LoadTest, WhatASecretNeedsIsNamedAndTheSecretIsNot) {
  variables_["TOKEN"] = "s3cret";
  yaml("server:\n  token: ${TOKEN}${NO_TOKEN}\n  port: ${TOKEN}\nstore:\n  data: ${file:/none}\nlog: {level: \"${door:x}\"}\n");
  const auto all = check(files_, request_);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].code, base::ErrorCode::secret_missing);
  EXPECT_EQ(all[0].text(), "telltale.yaml:3: server.token: NO_TOKEN env var not set");
  EXPECT_EQ(all[1].text(), "telltale.yaml:4: server.port: '${TOKEN}': must be a whole number from 0 to 65535");
  EXPECT_EQ(all[2].code, base::ErrorCode::secret_missing);
  EXPECT_THAT(all[2].text(), HasSubstr("/none"));
  EXPECT_THAT(all[3].text(), HasSubstr("there is no such kind of secret"));
  variables_["TELLTALE_TOKEN"] = std::string("s3cret\0", 7);
  for (const std::string& text : problems()) EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;
}

TEST_F(LoadTest, ASecretInPlainTextIsWarnedOf) {
  yaml("server:\n  token: s3cret\n");
  EXPECT_THAT(loaded().warnings,
              ElementsAre("telltale.yaml:3: server.token: stands in the file in plain text; use ${NAME} or ${file:/path}"));
}

TEST_F(LoadTest, UnknownKeysNameTheNearestOne) {
  yaml("server:\n  prot: 1\nstoer: {}\nport: 80\nlog:\n  colour: true\nstore:\n  Data: x\n");
  EXPECT_THAT(problems(), ElementsAre("telltale.yaml:3: server.prot: is not a setting; did you mean server.port?",
                                      "telltale.yaml:4: stoer: is not a setting; did you mean store?",
                                      "telltale.yaml:5: port: is not a setting; did you mean server.port?",
                                      "telltale.yaml:7: log.colour: is not a setting; allowed here: level",
                                      "telltale.yaml:9: store.Data: is not a setting; did you mean store.data?"));
}

TEST_F(LoadTest, EveryWrongValueSaysWhatIsAllowed) {
  yaml(R"(
server: {port: 70000, allow_insecure: maybe, tail_records: -1, host: [a], allowed_hosts: {a: b}, max_body_bytes: 1, request_timeout: 10}
store: {compression: zip, retention_bytes: lots}
pipeline: {assume_zone: Berlin}
log: loud
)");
  EXPECT_THAT(problems(),
              ElementsAre("telltale.yaml:3: server.port: '70000': must be a whole number from 0 to 65535",
                          "telltale.yaml:3: server.allow_insecure: 'maybe': must be true or false",
                          "telltale.yaml:3: server.tail_records: '-1': must be a whole number from 0 to 1000000",
                          "telltale.yaml:3: server.host: must be a text, not a list",
                          "telltale.yaml:3: server.allowed_hosts: must be a list of texts, not a map",
                          "telltale.yaml:3: server.max_body_bytes: '1': must be a size from 1KiB to 1GiB, as in 64KiB",
                          "telltale.yaml:3: server.request_timeout: '10': must be a time from 100ms to 1h, as in 10ms, 1.5s or 7d",
                          "telltale.yaml:4: store.compression: 'zip': must be one of lz4, none",
                          "telltale.yaml:4: store.retention_bytes: 'lots': must be a size from 0B to 1024TiB, as in 64KiB",
                          "telltale.yaml:5: pipeline.assume_zone: 'Berlin': must be local, UTC or an offset such as +02:00",
                          "telltale.yaml:6: log: 'loud': must be a map of settings, not a value"));
}

TEST_F(LoadTest, ProblemsOfAllLayersAreReportedTogether) {
  yaml("server: {port: x}\n");
  variables_["TELLTALE_METRICS_PORT"] = "y";
  request_.overrides = {{"store.dat", "z"}, {"services", "a"}};
  const auto result = load(files_, request_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::config_invalid_value);
  EXPECT_EQ(result.error().cause,
            "4 problems in the settings:\n"
            "  telltale.yaml:2: server.port: 'x': must be a whole number from 0 to 65535\n"
            "  TELLTALE_METRICS_PORT: 'y': must be a whole number from 0 to 65535\n"
            "  store.dat: is not a setting; did you mean store.data?\n"
            "  services: is a list of entries, which the file alone can set");
}

TEST_F(LoadTest, TheVersionIsNeeded) {
  files_.put("telltale.yaml", "server: {port: 1}\n");
  EXPECT_THAT(problems(), ElementsAre("telltale.yaml:1: version: is missing; write `version: 1`"));
  files_.put("telltale.yaml", "");
  EXPECT_EQ(problems().size(), 1U);
  files_.put("telltale.yaml", "# nothing\nversion: 2\n");
  EXPECT_THAT(problems(), ElementsAre("telltale.yaml:2: version: '2': must be 1, the one version that this telltale reads"));
  files_.put("telltale.yaml", "- a\n");
  EXPECT_THAT(problems(), ElementsAre("telltale.yaml:1: must be a map of settings, as in `version: 1`"));
}

TEST_F(LoadTest, SectionsMayBeEmpty) {
  yaml("server:\nsources:\n  files:\nservices:\nredaction:\n  # add: []\n");
  EXPECT_TRUE(problems().empty());
}

TEST_F(LoadTest, WhatBelongsTogetherIsCheckedTogether) {
  yaml("server: {health_port: 8765, metrics_port: 0}\nstore: {data: \"\"}\npipeline:\n  block_bytes: 1MiB\n  queue_bytes: 64KiB\n");
  variables_["TELLTALE_TLS_KEY"] = "key.pem";
  variables_["TELLTALE_ALLOWED_ORIGINS"] = "logs.example";
  EXPECT_THAT(problems(),
              ElementsAre("server.tls.key: needs server.tls.certificate beside it",
                          "server.allowed_origins: 'logs.example': must be origins that begin with http:// or https://",
                          "telltale.yaml:2: server.health_port: is 8765, which server.port is too; choose another, or 0 for none",
                          "telltale.yaml:3: store.data: must name a folder",
                          "telltale.yaml:6: pipeline.queue_bytes: must be at least pipeline.block_bytes"));
}

TEST_F(LoadTest, WhatIsAllowedButRiskyIsWarnedOf) {
  yaml("redaction:\n  enabled: false\nstore: {retention_bytes: 1MiB}\n");
  EXPECT_THAT(loaded().warnings, ElementsAre(HasSubstr("telltale.yaml:4: store.retention_bytes: is less than one segment"),
                                             HasSubstr("telltale.yaml:3: redaction.enabled: is false: secrets are stored")));
}

}  // namespace
}  // namespace telltale::config
