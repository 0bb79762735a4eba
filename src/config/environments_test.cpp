// Which file and which environment, what it inherits, and what is wrong with it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/table.h"
#include "config/testing/environments_fixture.h"
#include "config/value.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using testing::EnvironmentsTest;
using ::testing::HasSubstr;
using testing::spec_example;

TEST_F(EnvironmentsTest, WhatTheSpecificationShowsIsRead) {
  yaml(spec_example);
  variables_["MONGO_PASSWORD"] = "s3cret";
  const LoadedEnvironment result = loaded();
  const EnvironmentConfig& environment = result.environment;
  EXPECT_EQ(environment.name, "new_production");
  EXPECT_EQ(environment.path, "config/environments.yaml");
  EXPECT_EQ(environment.folder, "/srv");
  EXPECT_TRUE(result.missing.empty());
  const Item& values = environment.values;
  EXPECT_EQ(values.text("mongodb.password"), "s3cret");
  EXPECT_EQ(values.number("mongodb.port", 0), 27018);
  EXPECT_EQ(values.text("ssh.jump_host.host"), "10.0.0.2") << "`ip` is accepted for `host`";
  EXPECT_EQ(values.text("ssh.target_host.host"), "worker-1") << "a text is the host";
  EXPECT_EQ(values.number("ssh.target_host.port", 0), 22) << "a default";
  EXPECT_EQ(std::get<double>(values.find("ssh.connect_timeout_s")->value), 2.5);
  EXPECT_THAT(values.texts("checks.ssh.commands"), ElementsAre("kubectl version --client"));
  EXPECT_THAT(values.texts("checks.mongodb.fields.recordings"), ElementsAre("uuid", "start_time"));
  EXPECT_EQ(std::get<std::int64_t>(values.find("checks.expect.mongodb.port")->value), 27018);
  EXPECT_EQ(std::get<std::int64_t>(values.find("extra.focus_server.retries")->value), 3);
  EXPECT_EQ(std::get<double>(values.find("extra.focus_server.ratio")->value), 0.5);
  EXPECT_EQ(std::get<bool>(values.find("extra.focus_server.strict")->value), true);
  EXPECT_EQ(values.text("extra.focus_server.pin"), "0042") << "what is in quotes is a text";
  EXPECT_EQ(values.find("mongodb.name"), nullptr);
}

TEST_F(EnvironmentsTest, TheFileIsTheNamedOneElseOfTheVariableElseInConfig) {
  request_.environment = nullptr;
  EXPECT_FALSE(has_environments(files_, request_));
  const auto none = load_environment(files_, request_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, base::ErrorCode::config_not_found);
  EXPECT_EQ(none.error().cause, "Configuration file not found: config/environments.yaml");
  yaml("in_config: {}\n");
  EXPECT_EQ(loaded().environment.name, "in_config");
  request_.environment = [](std::string_view name) {
    return name == "TELLTALE_ENVIRONMENTS" ? std::optional<std::string>("v.yaml") : std::nullopt;
  };
  files_.put("v.yaml", "of_the_variable: {}\n");
  EXPECT_EQ(loaded().environment.name, "of_the_variable");
  request_.env_file = "/etc/config/named.yaml";
  EXPECT_EQ(error(), "Configuration file not found: /etc/config/named.yaml");
  files_.put("/etc/config/named.yaml", "named: {}\n");
  EXPECT_EQ(loaded().environment.name, "named");
  EXPECT_EQ(loaded().environment.folder, "/etc") << "relative paths start above `config`";
  EXPECT_TRUE(has_environments(files_, request_));
}

TEST_F(EnvironmentsTest, TheEnvironmentIsTheNamedOneElseOfTheVariableElseTheDefaultElseTheOnlyOne) {
  yaml("only: {}\n");
  EXPECT_EQ(loaded().environment.name, "only");
  yaml("a: {}\nb: {}\n");
  const auto several = load_environment(files_, request_);
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, base::ErrorCode::environment_not_found);
  EXPECT_EQ(several.error().cause, "No environment was chosen, and config/environments.yaml has no `default:`. Available: [a, b]");
  EXPECT_THAT(several.error().remedy, HasSubstr("--env NAME or TELLTALE_ENV"));
  yaml("default: b\na: {}\nb: {}\n");
  EXPECT_EQ(loaded().environment.name, "b");
  variables_["TELLTALE_ENV"] = "a";
  EXPECT_EQ(loaded().environment.name, "a");
  request_.env_name = "x";
  EXPECT_EQ(error(), "Environment 'x' not found in config. Available: [a, b]");
  request_.env_name = "b";
  EXPECT_EQ(loaded().environment.name, "b");
  EXPECT_THAT(loaded().environment.available, ElementsAre("a", "b"));
  yaml("# nothing\n");
  EXPECT_EQ(error(), "Environment 'b' not found in config. Available: []");
  request_.env_name.reset();
  variables_.clear();
  EXPECT_EQ(error(), "config/environments.yaml: holds no environment");
}

TEST_F(EnvironmentsTest, EnvironmentsMayStandBelowASection) {
  yaml("default: a\ndefaults: {mongodb: {host: h}}\nenvironments:\n  a: {}\n  b: {mongodb: {host: own}}\n");
  EXPECT_EQ(loaded().environment.values.text("mongodb.host"), "h");
  request_.env_name = "b";
  EXPECT_EQ(loaded().environment.values.text("mongodb.host"), "own");
  request_.env_name.reset();
  yaml("environments: {a: {}}\nother: {}\n");
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr("config/environments.yaml:2: other: is not a setting; beside `environments:` there are default")));
}

TEST_F(EnvironmentsTest, NearerEnvironmentsWinMapsAreJoinedAndListsReplaced) {
  yaml(R"(
default: leaf
defaults: {mongodb: {host: d, port: 1, database: d}, kubernetes: {namespace: d}}
base:
  mongodb: {host: base, username: base}
  checks: {ssh: {commands: [a, b]}}
other: {mongodb: {host: other}}
middle: {inherits: base, mongodb: {username: middle}}
leaf:
  inherits: [middle, other]
  checks: {ssh: {commands: [c]}}
  kubernetes:
)");
  const Item values = loaded().environment.values;
  EXPECT_EQ(values.text("mongodb.host"), "other") << "the later one of several";
  EXPECT_EQ(values.text("mongodb.username"), "middle");
  EXPECT_EQ(values.text("mongodb.database"), "d");
  EXPECT_EQ(values.number("mongodb.port", 0), 1);
  EXPECT_EQ(values.text("kubernetes.namespace"), "d") << "what is empty says nothing";
  EXPECT_THAT(values.texts("checks.ssh.commands"), ElementsAre("c"));
}

TEST_F(EnvironmentsTest, InheritanceThatCannotBeIsRefused) {
  yaml("a: {inherits: b}\nb: {inherits: [c]}\nc: {inherits: a}\n");
  request_.env_name = "a";
  EXPECT_EQ(error(), "config/environments.yaml:3: c.inherits: inherits itself: a -> b -> c -> a");
  yaml("a: {inherits: a}\n");
  EXPECT_EQ(error(), "config/environments.yaml:1: a.inherits: inherits itself: a -> a");
  yaml("a: {inherits: z}\nb: {}\n");
  EXPECT_EQ(error(), "config/environments.yaml:1: a.inherits: 'z': is none of the environments: a, b");
  yaml("a: {inherits: {b: c}}\n");
  EXPECT_EQ(error(), "config/environments.yaml:1: a.inherits: must be the name of an environment, or a list of names");
}

TEST_F(EnvironmentsTest, WhatIsWrongWithTheFileIsSaid) {
  yaml("default: x\nversion: 2\ndefaults: 7\na b: {}\nc: text\nd: {}\n");
  EXPECT_THAT(problems(),
              ElementsAre("config/environments.yaml:1: default: 'x': is none of the environments: d",
                          "config/environments.yaml:2: version: '2': must be 1, the one version that this telltale reads",
                          "config/environments.yaml:3: defaults: '7': must be a map",
                          "config/environments.yaml:4: a b: is no name for an environment: letters, digits, `_`, `.` and `-`, at most 100",
                          "config/environments.yaml:5: c: 'text': must be an environment: a map of sections such as `monitoring:`"));
  yaml("default: {a: b}\nd: {}\n");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("config/environments.yaml:1: default: must be the name of an environment")));
  yaml("- a\n");
  EXPECT_THAT(problems(), ElementsAre("config/environments.yaml:1: must be a map from the names of environments to what they hold"));
  yaml("a: [\n");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("config/environments.yaml:2: is not YAML")));
  yaml("a: &x {}\nb: *x\n");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("in environments.yaml use `inherits: NAME`")));
}

TEST_F(EnvironmentsTest, UnknownKeysNameTheNearestOne) {
  EXPECT_THAT(
      problems_of(R"(  mongodb: {hots: x}
  mongo: {}
  focus_server: {}
  ssh: {jump_host: {hst: x}}
  checks: {kubernetes: {pods: [{patern: x}], services: [{nmae: y}]}}
  monitoring: {services: [{name: a, fille: x}], error_pattern: {}}
)"),
      ElementsAre("config/environments.yaml:2: e.mongodb.hots: is not a setting; did you mean mongodb.host?",
                  "config/environments.yaml:3: e.mongo: is not a setting; did you mean mongodb?",
                  "config/environments.yaml:4: e.focus_server: is not a setting; allowed here: checks, extra, inherits, kubernetes, "
                  "mongodb, monitoring, settings, ssh; what telltale does not know goes below `extra:`",
                  "config/environments.yaml:5: e.ssh.jump_host.hst: is not a setting; did you mean ssh.jump_host.host?",
                  HasSubstr("e.checks.kubernetes.pods[0].patern: is not a setting; did you mean checks.kubernetes.pods[].pattern?"),
                  HasSubstr("e.checks.kubernetes.services[0].nmae: is not a setting; did you mean checks.kubernetes.services[].name?"),
                  HasSubstr("e.monitoring.services[0].fille: is not a setting; did you mean monitoring.services[].file"),
                  HasSubstr("e.monitoring.error_pattern: is not a setting; did you mean monitoring.error_patterns?")));
}

TEST_F(EnvironmentsTest, ValuesMustBeOfTheirKind) {
  EXPECT_THAT(problems_of(R"(  mongodb: {port: 70000, tls: maybe, host: [a]}
  ssh: {connect_timeout_s: -1, host_key: any}
  checks: {mongodb: {fields: {a: {b: c}}}}
  kubernetes: here
  settings: 7
)"),
              ElementsAre("config/environments.yaml:2: e.mongodb.port: '70000': must be a whole number from 1 to 65535",
                          "config/environments.yaml:2: e.mongodb.tls: 'maybe': must be true or false",
                          "config/environments.yaml:2: e.mongodb.host: must be a text, not a list",
                          "config/environments.yaml:3: e.ssh.connect_timeout_s: '-1': must be a number from 0 to 3600",
                          "config/environments.yaml:3: e.ssh.host_key: 'any': must be one of strict, accept-new",
                          "config/environments.yaml:4: e.checks.mongodb.fields.a: must be a map of names to lists of texts, not a map",
                          "config/environments.yaml:5: e.kubernetes: 'here': must be a map of settings, not a value",
                          "config/environments.yaml:6: e.settings: must be a map of settings as in telltale.yaml"));
}

TEST_F(EnvironmentsTest, TheCheckLooksAtEveryEnvironmentButForSecretsOfTheChosenOne) {
  yaml("a: {mongodb: {password: \"${A}\"}}\nb: {mongodb: {password: \"${B}\", prot: 1}}\nc: {mongodb: {host: \"${\"}}\n");
  EXPECT_THAT(problems(), ElementsAre("config/environments.yaml:2: b.mongodb.prot: is not a setting; did you mean mongodb.port?",
                                      HasSubstr("config/environments.yaml:3: c.mongodb.host: '${': holds a ${ without its }")));
  yaml("a: {mongodb: {password: \"${A}\"}}\nb: {inherits: a, mongodb: {port: \"${B:-x}\"}}\n");
  EXPECT_THAT(problems(), ElementsAre("config/environments.yaml:2: mongodb.port: '${B:-x}': must be a whole number from 1 to 65535"));
  request_.env_name = "a";
  EXPECT_THAT(problems(), ElementsAre("config/environments.yaml:1: mongodb.password: A env var not set",
                                      "config/environments.yaml:2: mongodb.port: '${B:-x}': must be a whole number from 1 to 65535"));
  request_.env_name = "z";
  EXPECT_THAT(problems(), ElementsAre("Environment 'z' not found in config. Available: [a, b]"));
}

TEST_F(EnvironmentsTest, WithoutAFileThereIsNothingToCheckUnlessItWasAskedFor) {
  EXPECT_TRUE(problems().empty());
  request_.env_name = "a";
  EXPECT_THAT(problems(), ElementsAre("Configuration file not found: config/environments.yaml"));
}

TEST_F(EnvironmentsTest, SettingsOfAnEnvironmentWinOverTelltaleYaml) {
  files_.put("telltale.yaml", "version: 1\nserver: {port: 1}\nlog: {level: debug}\nstore: {data: file}\n");
  yaml(
      "default: a\na: {settings: {server: {port: 2}, store: {data: \"${FOLDER:-env}\"}}}\nb: {inherits: a, settings: {server: {port: "
      "3}}}\n");
  auto settings = load(files_, request_);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->environment, "a");
  EXPECT_EQ(settings->config.server.port, 2);
  EXPECT_EQ(settings->config.log.level, "DEBUG");
  EXPECT_EQ(settings->config.store.data, "env");
  EXPECT_THAT(show_yaml(*settings), HasSubstr("  port: 2  # config/environments.yaml:2\n"));
  variables_ = {{"TELLTALE_ENV", "b"}, {"TELLTALE_DATA", "variable"}};
  settings = load(files_, request_);
  EXPECT_EQ(settings->config.server.port, 3);
  EXPECT_EQ(settings->config.store.data, "variable");
  request_.overrides = {{"server.port", "4"}};
  EXPECT_EQ(load(files_, request_)->config.server.port, 4);
}

TEST_F(EnvironmentsTest, SettingsThatAreWrongAreProblemsOfTheSettings) {
  yaml("a: {mongodb: {password: \"${NONE}\"}, settings: {server: {prot: 1}}}\n");
  const auto settings = check(files_, request_);
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_EQ(settings[0].text(), "config/environments.yaml:1: server.prot: is not a setting; did you mean server.port?");
}

TEST_F(EnvironmentsTest, AFileThatNobodyAskedForIsNoReasonToFail) {
  yaml("production: &p {adapter: x}\nstaging: *p\n");
  const auto settings = load(files_, request_);
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("aliases (*name) are not supported")));
  variables_["TELLTALE_ENV"] = "production";
  EXPECT_FALSE(load(files_, request_)) << "now it was asked for";
  files_.put("config/environments.yaml", "a: {}\nb: {settings: {server: {port: 7}}}\n");
  variables_.clear();
  ASSERT_TRUE(load(files_, request_)) << "no choice, no settings";
  request_.env_name = "c";
  ASSERT_FALSE(load(files_, request_));
  EXPECT_EQ(load(files_, request_).error().cause, "Environment 'c' not found in config. Available: [a, b]");
}

// The generator does not know what the reader takes.
TEST(EnvironmentTable, DefaultsAreAllowed) {
  for (const char* section :
       {"mongodb", "ssh", "ssh.jump_host", "kubernetes", "checks.mongodb", "checks.ssh", "checks.kubernetes.pods[]"}) {
    const auto settings = environment_table().below(section);
    EXPECT_FALSE(settings.empty()) << section;
    for (const Setting* setting : settings) {
      if (!setting->default_text.empty()) {
        EXPECT_TRUE(parse_value(*setting, setting->default_text)) << setting->path;
      }
    }
  }
}

}  // namespace
}  // namespace telltale::config
