#include "net/http/body_reader.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace telltale::net {
namespace {

using Kind = BodyFraming::Kind;
using State = BodyReader::State;

struct Outcome {
  State state;
  std::string body;
  std::string rest;
  bool operator==(const Outcome&) const = default;
};

Outcome read(const BodyFraming& framing, std::string_view input, std::size_t piece, std::uint64_t limit = 100) {
  BodyReader reader(framing, limit);
  State state = State::need_more;
  while (!input.empty()) {
    std::string_view part = input.substr(0, std::min(piece, input.size()));
    const std::size_t before = part.size();
    state = reader.take(part);
    input.remove_prefix(before - part.size());
    if (state != State::need_more) break;
  }
  return Outcome{state, reader.body(), std::string(input)};
}

// However the input is cut.
Outcome read_chunked(std::string_view input) {
  const Outcome whole = read({Kind::chunked, 0}, input, input.size());
  for (std::size_t piece = 1; piece < input.size(); ++piece) {
    const Outcome cut = read({Kind::chunked, 0}, input, piece);
    EXPECT_EQ(cut.state, whole.state) << "in pieces of " << piece;
    if (whole.state == State::complete) EXPECT_EQ(cut, whole) << "in pieces of " << piece;
  }
  return whole;
}

TEST(BodyReader, ReadsChunks) {
  EXPECT_EQ(read_chunked("0\r\n\r\nrest"), (Outcome{State::complete, "", "rest"}));
  EXPECT_EQ(read_chunked("3\r\nabc\r\n0B;x=y;z\r\n0123456789\n\r\n000\r\nT: v\r\n\r\n"), (Outcome{State::complete, "abc0123456789\n", ""}));
  EXPECT_EQ(read_chunked("3 ;e\r\nabc\r\n0\r\n\r\n").body, "abc");
}

TEST(BodyReader, RefusesWhatIsNoChunk) {
  for (const std::string_view input : {"\r\n\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "1\nA\r\n", "1\r\nAB\r\n0\r\n\r\n",
                                       "1 2\r\nA\r\n", "11111111111111111\r\n", "0\r\nT: v\n\r\n"}) {
    EXPECT_EQ(read_chunked(input).state, State::malformed) << input;
  }
  EXPECT_EQ(read_chunked("1;" + std::string(2000, 'e')).state, State::malformed);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) trailers += std::string(100, 't') + "\r\n";
  EXPECT_EQ(read({Kind::chunked, 0}, trailers, 7).state, State::malformed);
}

TEST(BodyReader, CountsAllChunksAgainstTheLimit) {
  EXPECT_EQ(read_chunked("64\r\n").state, State::need_more);
  EXPECT_EQ(read_chunked("65\r\n").state, State::too_large);
  EXPECT_EQ(read_chunked("60\r\n" + std::string(96, 'x') + "\r\n5\r\n").state, State::too_large);
  EXPECT_EQ(read_chunked("ffffffffffffffff\r\n").state, State::too_large);
}

TEST(BodyReader, ReadsByLength) {
  EXPECT_EQ(read({Kind::length, 5}, "hellorest", 9), (Outcome{State::complete, "hello", "rest"}));
  EXPECT_EQ(read({Kind::length, 5}, "hell", 1).state, State::need_more);
  std::string_view nothing;
  EXPECT_EQ(BodyReader({Kind::length, 0}, 100).take(nothing), State::complete);
  EXPECT_EQ(BodyReader({Kind::length, 101}, 100).take(nothing), State::too_large);
  EXPECT_EQ(BodyReader({Kind::none, 0}, 100).take(nothing), State::complete);
}

TEST(BodyReader, ReadsToTheEnd) {
  BodyReader reader({Kind::to_end, 0}, 5);
  std::string_view input = "hello";
  EXPECT_EQ(reader.take(input), State::need_more);
  EXPECT_EQ(reader.end_of_stream(), State::complete);
  EXPECT_EQ(reader.body(), "hello");
  EXPECT_EQ(read({Kind::to_end, 0}, "hello!", 1, 5).state, State::too_large);
  BodyReader cut({Kind::length, 5}, 5);
  EXPECT_EQ(cut.end_of_stream(), State::malformed);
}

}  // namespace
}  // namespace telltale::net
