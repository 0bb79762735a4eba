#include "config/environments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "config/table.h"
#include "config/value.h"

namespace telltale::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* spec_example = R"(
default: new_production
new_production:
  mongodb:
    {host: "db.example", port: 27018, username: "tester", password: "${MONGO_PASSWORD}", database: prisma, auth_source: prisma,
     connect_timeout_ms: 10000, server_selection_timeout_ms: 10000, socket_timeout_ms: 10000, tls: false}
  kubernetes: {namespace: panda, api_server: "https://10.0.0.1:6443", context: "prod"}
  ssh:
    enabled: true
    connect_timeout_s: 2.5
    jump_host:   {ip: "10.0.0.2", username: "jump", password: "${JUMP_PASSWORD:-unset}"}
    target_host: worker-1
  monitoring:
    services:
      - {name: focus-server, selector: "app.kubernetes.io/name=focus-server"}
      - {name: mongodb, file: logs/mongod.log, clock_offset: -200ms}
    error_patterns: {add: ["connection refused"], ignore: ["0 errors"]}
  checks:
    mongodb: {collections: [recordings, tasks], fields: {recordings: [uuid, start_time]}, max_response_time_ms: 100, acceptable_response_time_ms: 50}
    kubernetes:
      pods: [{pattern: "panda-panda-focus-server-*", min: 1, max_restarts: 4}]
      services: [{name: panda-panda-focus-server, type: ClusterIP, cluster_ip: 10.43.103.101, port: 5000}]
    ssh: {commands: ["kubectl version --client"], max_connect_s: 2}
    expect: {"mongodb.port": 27018}
  extra: {focus_server: {url: "http://focus", retries: 3, ratio: 0.5, strict: true, token: "${FOCUS_TOKEN:-t}", pin: "0042"}}
)";

class EnvironmentsTest : public ::testing::Test {
 protected:
  EnvironmentsTest() {
    request_.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    request_.working_folder = "/srv";
    request_.home = "/home/tester";
  }

  void yaml(const std::string& text) { files_.put("config/environments.yaml", text); }

  LoadedEnvironment loaded() {
    auto result = load_environment(files_, request_);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    return result ? std::move(*result) : LoadedEnvironment{};
  }
  std::string error() {
    const auto result = load_environment(files_, request_);
    EXPECT_FALSE(result);
    return result ? "" : result.error().cause;
  }
  // Of one environment `e`, whose text is indented by two.
  std::vector<std::string> problems_of(const std::string& text) {
    yaml("e:\n" + text);
    return problems();
  }
  std::vector<std::string> problems() {
    std::vector<std::string> texts;
    for (const Problem& problem : check_environments(files_, request_).problems) texts.push_back(problem.text());
    return texts;
  }
  std::vector<std::string> missing() {
    std::vector<std::string> texts;
    for (const Problem& problem : loaded().missing) texts.push_back(problem.text());
    return texts;
  }

  base::testing::MemoryFiles files_;
  std::map<std::string, std::string> variables_;
  LoadRequest request_;
};

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
