#include "app/run_summary.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace telltale::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunSummary summary_of(std::string_view answer) {
  RunSummary summary;
  summary.run = "r1";
  summary.working_folder = "/srv/suite";
  summary.command = sources::ExitStatus{false, 3};
  summary.command_ns = 2'400'000;
  summary.connected = true;
  if (!answer.empty()) summary.shown = boost::json::parse(answer).get_object();
  return summary;
}

TEST(RunSummary, WithoutAnEngineIsOneLineThatSaysWhy) {
  RunSummary summary = summary_of("");
  summary.trouble = "connection refused";
  EXPECT_THAT(summary_lines(summary), ElementsAre("telltale: run r1: not all of it was captured: connection refused"));
  summary.connected = false;
  summary.trouble.clear();
  EXPECT_THAT(summary_lines(summary), ElementsAre("telltale: run r1: nothing was captured: the engine does not answer"));
}

TEST(RunSummary, TellsHowTheCommandEndedAndWhereToLook) {
  RunSummary summary = summary_of(R"({"services":[],"tests":{"total":0}})");
  summary.captured = true;
  summary.command_lines = 1;
  EXPECT_THAT(summary_lines(summary), ElementsAre("telltale: run r1: the command ended with exit code 3 after 2ms",  //
                                                  "  command   1 line of output",                                    //
                                                  "  look      telltale query '{run=\"r1\"}'",                       //
                                                  "            telltale query '{instance=\"r1\", process=\"command\"}'"));
}

TEST(RunSummary, CountsLinesErrorsTestsAndGaps) {
  const auto lines = summary_lines(summary_of(R"({"records":12,"errors":2,
    "services":[{"name":"api","records":10,"errors":2},{"name":"db","records":2,"errors":0}],
    "tests":{"total":4},"tests_with_errors":[{"node_id":"a"}],
    "gaps":[{"service":"db","text":"3 lines were lost"}],
    "output":{"state":"local","folder":"/srv/suite/logs/pod_logs","final":true}})"));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("exit code 3"),                                   //
                                 "  services  12 lines, 2 errors: api 10 (2 errors), db 2",  //
                                 "  tests     4, 1 with errors of services",                 //
                                 "  gap       db: 3 lines were lost",                        //
                                 "  files     logs/pod_logs",                                //
                                 HasSubstr("{run=\"r1\"}"), HasSubstr("telltale logs TEST")));
}

TEST(RunSummary, SaysWhatIsWrong) {
  RunSummary summary = summary_of(R"({"output":{"state":"local","folder":"/else/where","problem":"no space"}})");
  summary.command.reset();
  summary.ended_services = {"service 'api' ended by itself with exit code 1"};
  summary.drained.dropped_lines = 2;
  summary.drained.through_failure = ENOSPC;
  EXPECT_THAT(summary_lines(summary), ElementsAre("telltale: run r1: the command was not run",                      //
                                                  "  files     /else/where (not complete: no space)",               //
                                                  HasSubstr("look"),                                                //
                                                  "telltale: service 'api' ended by itself with exit code 1",       //
                                                  "telltale: 2 lines could not be kept while no engine took them",  //
                                                  "telltale: output of the command could not be passed on: No space left on device"));
}

TEST(RunSummary, ControlCharactersOfTheEnginesAnswerDoNotReachTheTerminal) {
  const auto lines = summary_lines(summary_of("{\"services\":[{\"name\":\"a\\u001b[2Jpi\",\"records\":1}]}"));
  for (const auto& line : lines) EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
}

}  // namespace
}  // namespace telltale::app
