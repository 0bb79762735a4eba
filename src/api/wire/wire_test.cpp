#include <gtest/gtest.h>

#include "api/wire/barrier_body.h"
#include "api/wire/json_input.h"
#include "api/wire/json_output.h"
#include "api/wire/page_cursor.h"
#include "api/wire/parameters.h"
#include "api/wire/run_json.h"
#include "record/json_check.h"

namespace telltale::api {
namespace {

using base::ErrorCode;

net::Request request_with(std::vector<std::pair<std::string, std::string>> query) {
  net::Request request;
  request.query = std::move(query);
  return request;
}

TEST(BarrierBody, MayBeEmptyAndIsCappedAtTwoSeconds) {
  EXPECT_EQ(parse_barrier_body(""), 2000);
  EXPECT_EQ(parse_barrier_body(" \n"), 2000);
  EXPECT_EQ(parse_barrier_body("{}"), 2000);
  EXPECT_EQ(parse_barrier_body(R"({"timeout_ms":50})"), 50);
  EXPECT_EQ(parse_barrier_body(R"({"timeout_ms":999999})"), 2000);
  EXPECT_EQ(parse_barrier_body(R"({"timeout_ms":18446744073709551615})"), 2000);
}

TEST(BarrierBody, SaysWhatIsWrong) {
  const auto code = [](std::string_view body) {
    const auto result = parse_barrier_body(body);
    return result ? ErrorCode::internal : result.error().code;
  };
  EXPECT_EQ(code("{"), ErrorCode::malformed_request);
  EXPECT_EQ(code("[]"), ErrorCode::malformed_request);
  EXPECT_EQ(code("{} x"), ErrorCode::malformed_request);
  EXPECT_EQ(code(R"({"timeout_ms":0})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"({"timeout_ms":-5})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"({"timeout_ms":"5"})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"({"timeout":5})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(std::string(5000, ' ')), ErrorCode::body_too_large);
}

TEST(JsonInput, IsBoundedInDepth) {
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100'000; ++i) deep += "[";
  EXPECT_EQ(parse_json_object(deep).error().code, ErrorCode::malformed_request);
}

TEST(JsonOutput, WritesEveryKindOfMember) {
  std::string out;
  JsonObject object(out);
  object.text("text", "a \"quoted\" one");
  object.text_or_null("none", "");
  object.boolean("flag", true);
  object.number("count", 7U);
  object.number_or_null("code", std::nullopt);
  object.time("at", 1'700'000'000'000'000'001);
  object.time_or_null("never", std::nullopt);
  append_json_array(object.key("list"), std::vector<int>{1, 2}, [&](int number) { out += std::to_string(number); });
  object.end();
  EXPECT_EQ(out, R"({"text":"a \"quoted\" one","none":null,"flag":true,"count":7,"code":null,"at":"2023-11-14T22:13:20.000000001Z",)"
                 R"("never":null,"list":[1,2]})");
  EXPECT_TRUE(record::is_json_line(out));
}

TEST(JsonOutput, MillisecondsAreExact) {
  const auto written = [](std::int64_t nanos) {
    std::string out;
    JsonObject object(out);
    object.milliseconds("ms", nanos);
    object.end();
    return out.substr(6, out.size() - 7);
  };
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(1), "0.000001");
  EXPECT_EQ(written(1'500'000), "1.5");
  EXPECT_EQ(written(12'345'678'901), "12345.678901");
  EXPECT_EQ(written(-5'000'000'000), "-5000");
  EXPECT_EQ(written(-1'000), "-0.001");
}

TEST(PageCursor, LeadsBackToItsEntryInItsListAlone) {
  const std::string cursor = make_page_cursor("runs", "20261125T080312-7f3a9c");
  EXPECT_EQ(read_page_cursor("runs", cursor), "20261125T080312-7f3a9c");
  EXPECT_EQ(read_page_cursor("tests", cursor).error().code, ErrorCode::cursor_invalid);
  EXPECT_EQ(make_page_cursor("runs", ""), "");
  EXPECT_EQ(read_page_cursor("runs", ""), "");
  for (const char* text : {"abc", "!", "cnVucw", "cnVucwo"}) {
    EXPECT_EQ(read_page_cursor("runs", text).error().code, ErrorCode::cursor_invalid) << text;
  }
}

TEST(RunJson, WhatIsNotThereYetIsNull) {
  runs::Run run;
  run.id = "r";
  run.tests.total = 3;
  run.tests.by_outcome[static_cast<std::size_t>(runs::TestOutcome::passed)] = 2;
  std::string out;
  append_run(out, run);
  EXPECT_TRUE(record::is_json_line(out)) << out;
  EXPECT_NE(out.find(R"("state":"running","outcome":null,"ended_by":null,"exit_code":null)"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("finished":null)"), std::string::npos);
  EXPECT_NE(out.find(R"("tests":{"total":3,"running":0,"by_outcome":{"passed":2,"failed":0,)"), std::string::npos);
  EXPECT_EQ(out.find("\"none\":"), std::string::npos);
}

TEST(RunJson, TheNonceOfTheOutputIsShownToNobody) {
  runs::Run run;
  run.output = runs::Output{"/tmp/logs", "a-secret-nonce"};
  run.output_state = runs::OutputState::local;
  std::string out;
  append_run(out, run);
  EXPECT_NE(out.find(R"("output":{"state":"local","folder":"/tmp/logs"})"), std::string::npos) << out;
  EXPECT_EQ(out.find("nonce"), std::string::npos);
}

TEST(Parameters, FlagsAreTrueOrFalse) {
  EXPECT_EQ(flag_parameter(request_with({{"errors", "true"}}), "errors", false), true);
  EXPECT_EQ(flag_parameter(request_with({}), "errors", true), true);
  EXPECT_EQ(flag_parameter(request_with({{"errors", "yes"}}), "errors", false).error().code, ErrorCode::invalid_argument);
}

TEST(Parameters, UnknownOnesAreNamed) {
  EXPECT_TRUE(check_parameters(request_with({{"query", "{}"}}), {"query", "limit"}));
  const auto status = check_parameters(request_with({{"limti", "5"}}), {"query", "limit"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "there is no parameter 'limti' here. Use: query, limit.");
}

TEST(Parameters, TimesAreRfc3339OrNanoseconds) {
  EXPECT_EQ(time_parameter(request_with({{"start", "2023-11-14T22:13:20Z"}}), "start", 0), 1'700'000'000'000'000'000);
  EXPECT_EQ(time_parameter(request_with({{"start", "1700000000000000000"}}), "start", 0), 1'700'000'000'000'000'000);
  EXPECT_EQ(time_parameter(request_with({}), "start", 7), 7);
  EXPECT_EQ(time_parameter(request_with({{"start", "yesterday"}}), "start", 0).error().code, ErrorCode::invalid_argument);
}

TEST(Parameters, NumbersStayWithinTheirBounds) {
  EXPECT_EQ(number_parameter(request_with({{"limit", "5"}}), "limit", 100, 1, 1000), 5U);
  EXPECT_EQ(number_parameter(request_with({}), "limit", 100, 1, 1000), 100U);
  for (const char* text : {"0", "1001", "-1", "5x", "", "99999999999999999999999"}) {
    EXPECT_FALSE(number_parameter(request_with({{"limit", text}}), "limit", 100, 1, 1000)) << text;
  }
}

}  // namespace
}  // namespace telltale::api
