#include "runs/model/scope.h"

#include <gtest/gtest.h>

namespace telltale::runs {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string named(const Scope& scope, Pairs labels) {
  const auto stream = record::make_stream(record::Labels(std::move(labels)));
  EXPECT_EQ(scope.holds(*stream), !scope.name_in_run(*stream).empty());
  return std::string(scope.name_in_run(*stream));
}

TEST(Scope, AFileIsInARunThatWatchesItsPath) {
  const Scope scope("r1", {{"api", {"/var/log/api/*.log"}, {}, {}}, {"rest", {"/var/log/**/*.log"}, {}, {}}});
  EXPECT_EQ(named(scope, {{"service", "x"}, {"source", "file"}, {"file", "/var/log/api/a.log"}}), "api") << "the first that matches";
  EXPECT_EQ(named(scope, {{"service", "x"}, {"source", "file"}, {"file", "/var/log/db/b.log"}}), "rest");
  EXPECT_EQ(named(scope, {{"service", "api"}, {"source", "file"}, {"file", "/srv/api.log"}}), "") << "a label is no path";
  EXPECT_EQ(named(scope, {{"service", "api"}, {"source", "docker"}}), "");
}

TEST(Scope, AProcessBelongsToTheRunThatStartedIt) {
  const Pairs mine = {{"service", "db"}, {"source", "process"}, {"instance", "r1"}};
  const Pairs other = {{"service", "db"}, {"source", "process"}, {"instance", "r2"}};
  const Pairs command = {{"service", "command"}, {"source", "process"}, {"instance", "r1"}, {"process", "command"}};
  for (const Scope& scope : {Scope("r1", {}), Scope("r1", {{"api", {"/a/*"}, {}, {}}})}) {
    EXPECT_EQ(named(scope, mine), "db");
    EXPECT_EQ(named(scope, other), "");
    EXPECT_EQ(named(scope, command), "") << "it is what runs the tests";
  }
}

TEST(Scope, WithoutServicesEverythingCapturedIsInIt) {
  const Scope scope("r1", {});
  EXPECT_EQ(named(scope, {{"service", "x"}, {"source", "file"}, {"file", "/x"}}), "x");
  EXPECT_EQ(named(scope, {{"source", "file"}, {"file", "/x"}}), "unknown");
  EXPECT_EQ(named(scope, {{"service", "telltale"}, {"source", "telltale"}}), "") << "what the engine says of itself";
  EXPECT_EQ(named(scope, lifecycle_stream("r1")->labels.pairs()), "");
}

TEST(Scope, LifecycleStreamsAreKnownByTheirLabels) {
  EXPECT_TRUE(is_lifecycle(lifecycle_stream("r1")->labels));
  EXPECT_EQ(lifecycle_stream("r1")->labels.get("instance"), "r1");
  EXPECT_FALSE(is_lifecycle(record::Labels({{"service", "x"}, {"source", "lifecycle"}})));
}

}  // namespace
}  // namespace telltale::runs
