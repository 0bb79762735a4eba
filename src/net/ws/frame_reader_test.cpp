#include "net/ws/frame_reader.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/ws/handshake.h"
#include "net/ws/ws.h"

namespace telltale::net {
namespace {

using Kind = WsEvent::Kind;
constexpr std::array<std::uint8_t, 4> mask = {1, 2, 3, 4};

std::string from_client(WsOpcode opcode, std::string_view payload, bool fin = true) {
  std::string frame;
  append_ws_masked_frame(frame, opcode, payload, mask);
  if (!fin) frame[0] = static_cast<char>(frame[0] & 0x7F);
  return frame;
}

struct Seen {
  Kind kind;
  std::uint16_t code;
  std::string payload;
};

std::vector<Seen> read_all(std::string_view input, std::uint64_t limit = 1000, WsRole role = WsRole::server) {
  WsFrameReader reader(role, limit);
  std::vector<Seen> seen;
  while (true) {
    const WsEvent event = reader.next(input);
    if (event.kind == Kind::need_more) return seen;
    seen.push_back(Seen{event.kind, event.code, std::string(event.payload)});
  }
}

std::uint16_t error_code(std::string_view input, std::uint64_t limit = 1000, WsRole role = WsRole::server) {
  const auto seen = read_all(input, limit, role);
  return !seen.empty() && seen.back().kind == Kind::error ? seen.back().code : 0;
}

TEST(WsFrameReader, ReadsTheRfcsExamples) {
  // RFC 6455 section 5.7: a masked "Hello", then one in two unmasked fragments.
  const auto one = read_all("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].kind, Kind::text);
  EXPECT_EQ(one[0].payload, "Hello");
  const auto two = read_all(std::string_view("\x01\x03Hel\x80\x02lo", 9), 1000, WsRole::client);
  ASSERT_EQ(two.size(), 1U);
  EXPECT_EQ(two[0].payload, "Hello");
}

TEST(WsFrameReader, ReadsAllLengthForms) {
  for (const std::size_t size : {0, 125, 126, 65'535, 65'536, 100'000}) {
    const auto seen = read_all(from_client(WsOpcode::text, std::string(size, 'x')), 100'000);
    ASSERT_EQ(seen.size(), 1U) << size;
    EXPECT_EQ(seen[0].payload.size(), size);
  }
}

TEST(WsFrameReader, ControlFramesMayStandBetweenFragments) {
  const auto seen = read_all(from_client(WsOpcode::text, "a", false) + from_client(WsOpcode::ping, "p") +
                             from_client(WsOpcode::continuation, "b", false) + from_client(WsOpcode::pong, "") +
                             from_client(WsOpcode::continuation, "c") + from_client(WsOpcode::close, "\x03\xe8 bye"));
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].kind, Kind::ping);
  EXPECT_EQ(seen[0].payload, "p");
  EXPECT_EQ(seen[1].kind, Kind::pong);
  EXPECT_EQ(seen[2].kind, Kind::text);
  EXPECT_EQ(seen[2].payload, "abc");
  EXPECT_EQ(seen[3].kind, Kind::close);
  EXPECT_EQ(seen[3].code, 1000);
  EXPECT_EQ(seen[3].payload, " bye");
}

TEST(WsFrameReader, Utf8MayBeSplitOverFragments) {
  const auto seen = read_all(from_client(WsOpcode::text, "\xe2\x82", false) + from_client(WsOpcode::continuation, "\xac"));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].payload, "\xe2\x82\xac");
}

TEST(WsFrameReader, ProtocolErrors) {
  EXPECT_EQ(error_code(std::string_view("\x81\x01x", 3)), 1002) << "unmasked from a client";
  EXPECT_EQ(error_code(from_client(WsOpcode::text, "x"), 1000, WsRole::client), 1002) << "masked from a server";
  std::string reserved = from_client(WsOpcode::text, "x");
  reserved[0] = static_cast<char>(reserved[0] | 0x40);
  EXPECT_EQ(error_code(reserved), 1002) << "a reserved bit without an extension";
  EXPECT_EQ(error_code(from_client(static_cast<WsOpcode>(3), "x")), 1002) << "reserved opcode";
  EXPECT_EQ(error_code(from_client(static_cast<WsOpcode>(0xB), "x")), 1002) << "reserved control opcode";
  EXPECT_EQ(error_code(from_client(WsOpcode::ping, "x", false)), 1002) << "fragmented control frame";
  EXPECT_EQ(error_code(from_client(WsOpcode::ping, std::string(126, 'x'))), 1002) << "long control frame";
  EXPECT_EQ(error_code(from_client(WsOpcode::continuation, "x")), 1002) << "continuation of nothing";
  EXPECT_EQ(error_code(from_client(WsOpcode::text, "x", false) + from_client(WsOpcode::text, "y")), 1002) << "message inside a message";
  EXPECT_EQ(error_code(std::string("\x81\xfe\x00\x05\x01\x02\x03\x04", 8)), 1002) << "length not in its shortest form";
  EXPECT_EQ(error_code(std::string("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 14)), 1002) << "length with its top bit";
}

TEST(WsFrameReader, CloseFrames) {
  EXPECT_EQ(read_all(from_client(WsOpcode::close, "")).at(0).code, ws_close::no_code);
  EXPECT_EQ(error_code(from_client(WsOpcode::close, "\x03")), 1002) << "half a code";
  EXPECT_EQ(error_code(from_client(WsOpcode::close, "\x03\xed")), 1002) << "1005 is not for the wire";
  EXPECT_EQ(error_code(from_client(WsOpcode::close, "\x03\xe8\xff")), 1007) << "reason not UTF-8";
  EXPECT_EQ(read_all(from_client(WsOpcode::close, "\x0f\xa0")).at(0).code, 4000);
  EXPECT_EQ(read_all(from_client(WsOpcode::close, "") + from_client(WsOpcode::text, "x")).size(), 1U) << "nothing follows a close";
}

TEST(WsFrameReader, LimitsAndUtf8) {
  EXPECT_EQ(error_code(from_client(WsOpcode::text, std::string(1001, 'x'))), 1009);
  EXPECT_EQ(
      error_code(from_client(WsOpcode::text, std::string(600, 'x'), false) + from_client(WsOpcode::continuation, std::string(401, 'x'))),
      1009);
  EXPECT_EQ(error_code(std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 14)), 1009) << "before a byte of it came";
  EXPECT_EQ(error_code(from_client(WsOpcode::text, "\xc0\xaf")), 1007);
  EXPECT_EQ(error_code(from_client(WsOpcode::text, "\xed\xa0\x80")), 1007) << "a surrogate";
}

TEST(WsFrame, WritesTheShortestLength) {
  for (const auto& [size, header] : {std::pair<std::size_t, std::size_t>{125, 2}, {126, 4}, {65'535, 4}, {65'536, 10}}) {
    std::string frame;
    append_ws_text_frame(frame, std::string(size, 'x'));
    EXPECT_EQ(frame.size(), header + size);
    EXPECT_EQ(read_all(frame, size, WsRole::client).at(0).payload.size(), size);
  }
}

TEST(WsFrame, CloseReasonsAreCutAtACharacter) {
  const std::string payload = ws_close_payload(1000, std::string(122, 'x') + "\xe2\x82\xac");
  EXPECT_EQ(payload.size(), 2U + 122U);
}

TEST(WsHandshake, AcceptsAsInTheRfc) {
  EXPECT_EQ(ws_accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_FALSE(ws_key_valid(""));
  EXPECT_FALSE(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ="));
  EXPECT_FALSE(ws_key_valid("dGhlIHNhbXBsZSBub25j!Q=="));
  EXPECT_FALSE(ws_key_valid("dGhlIHNhbXBsZSBub25jZQAA"));
}

}  // namespace
}  // namespace telltale::net
