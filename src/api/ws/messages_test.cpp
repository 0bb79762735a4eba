#include "api/ws/messages.h"

#include <gtest/gtest.h>

#include "record/json_check.h"

namespace telltale::api {
namespace {

using base::ErrorCode;

constexpr base::UnixNanos now = 1'700'000'000'123'000'000;

TEST(ClientMessages, AreRead) {
  EXPECT_EQ(parse_client_message(R"({"type":"ping","extra":1})")->kind, ClientMessageKind::ping);
  const auto subscribe = parse_client_message(R"({"type":"subscribe","query":"{a=\"b\"}","after":"c1"})");
  ASSERT_TRUE(subscribe);
  EXPECT_EQ(subscribe->query, R"({a="b"})");
  EXPECT_EQ(subscribe->after, "c1");
  EXPECT_EQ(parse_client_message(R"({"type":"subscribe","after":18446744073709551615})")->after, "18446744073709551615");
  EXPECT_EQ(parse_client_message(R"({"type":"analysis_request","request_id":7})")->request_id, "7");
}

TEST(ClientMessages, WrongOnesAreNamed) {
  const auto code = [](std::string_view text) {
    const auto message = parse_client_message(text);
    return message ? ErrorCode::internal : message.error().code;
  };
  EXPECT_EQ(code(""), ErrorCode::malformed_request);
  EXPECT_EQ(code("[1]"), ErrorCode::malformed_request);
  EXPECT_EQ(code("{}"), ErrorCode::websocket_message);
  EXPECT_EQ(code(R"({"type":3})"), ErrorCode::websocket_message);
  EXPECT_EQ(code(R"({"type":"x"})"), ErrorCode::websocket_message);
  EXPECT_EQ(code(R"({"type":"subscribe","query":5})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"({"type":"subscribe","after":-5})"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"({"type":"subscribe","query":")" + std::string(40'000, 'x') + "\"}"), ErrorCode::invalid_argument);
}

TEST(ServiceMessages, CarryWhatLogClientsExpect) {
  EXPECT_EQ(
      gap_message(now, 3, 12, "this reader was too slow"),
      R"({"type":"gap","timestamp":"2023-11-14T22:13:20.123Z","service_name":"telltale",)"
      R"("content":"3 records were passed over: this reader was too slow","dropped":3,"after":"12","reason":"this reader was too slow"})");
  for (const std::string& message : {pong_message(now), unsubscribed_message(now), subscribed_message(now, "{\"\n\xff", 1),
                                     error_message(now, {ErrorCode::websocket_message, "\x01\xff", {}}, "\xff")}) {
    EXPECT_TRUE(record::is_json_line(message)) << message;
    for (const char* name : {"\"type\":", "\"timestamp\":", "\"service_name\":\"telltale\"", "\"content\":"}) {
      EXPECT_NE(message.find(name), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace telltale::api
