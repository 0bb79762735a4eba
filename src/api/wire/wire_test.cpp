#include <gtest/gtest.h>

#include "api/wire/barrier_body.h"
#include "api/wire/json_input.h"
#include "api/wire/parameters.h"

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
