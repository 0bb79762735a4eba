// For tests: environments out of a text, with the specification's example.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "config/environments.h"

namespace telltale::config::testing {

using ::testing::Not;

inline constexpr const char* spec_example = R"(
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

}  // namespace telltale::config::testing
