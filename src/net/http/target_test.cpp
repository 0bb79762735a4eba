#include "net/http/target.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/http/client.h"
#include "net/http/response_writer.h"

namespace telltale::net {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

std::string path_of(std::string_view target) {
  const auto parsed = parse_target(target);
  return parsed ? parsed->path : "error: " + parsed.error().cause;
}

TEST(Target, DecodesAndNormalisesPaths) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/a%20b/%C3%A9"), "/a b/\xc3\xa9");
  EXPECT_EQ(path_of("//a///b/"), "/a/b/");
  EXPECT_EQ(path_of("/./a/./b/."), "/a/b/");
  EXPECT_EQ(path_of("/a+b"), "/a+b");
  EXPECT_EQ(path_of("/%252e%252e"), "/%2e%2e");  // decoded once
  EXPECT_EQ(path_of("/..a/b.."), "/..a/b..");
  EXPECT_EQ(path_of("http://host"), "/");
  EXPECT_EQ(path_of("HTTP://host:1/a?b"), "/a");
}

TEST(Target, DecodesQueries) {
  const auto target = parse_target("/p?a=1&b=x%20y+z&&c&=d&e=%3D%26&a=2");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->query, (Query{{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"", "d"}, {"e", "=&"}, {"a", "2"}}));
  EXPECT_EQ(parse_target("/?q=a%0Ab")->query, (Query{{"q", "a\nb"}}));
}

TEST(Target, RefusesWhatIsNoTarget) {
  for (const char* target :
       {"", "a", "/..", "/a/..", "/%2e%2e", "/a%", "/a%1", "/a%g1", "/%7f", "/%80", "/#", "?a", "ftp://a/b", "http://"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(Url, IsTakenApart) {
  const auto url = parse_url("https://example.org:8443/a/b?c=d#frag");
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(parse_url("http://h")->port, 80);
  EXPECT_EQ(parse_url("wss://h")->port, 443);
  EXPECT_EQ(parse_url("ws://[::1]:99?x")->host, "::1");
  EXPECT_EQ(parse_url("ws://[::1]:99?x")->target, "/?x");
  EXPECT_EQ(parse_url("http://[::1]")->port, 80);
}

TEST(Url, RefusesWhatIsNoUrl) {
  for (const char* text : {"", "h", "h:80", "ftp://h", "http://", "http://:80", "http://h:0", "http://h:99999", "http://h:", "http://h:8x",
                           "http://a b", "http://h/\r\n", "http://user:secret@h", "http://::1", "http://[::1"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message().find("secret"), std::string::npos);
  }
}

TEST(Url, EncodesValues) {
  EXPECT_EQ(url_encode("a-b_c.d~e"), "a-b_c.d~e");
  EXPECT_EQ(url_encode("a b+c&d=\xc3\xa9/"), "a%20b%2Bc%26d%3D%C3%A9%2F");
}

TEST(ResponseWriter, WritesDates) {
  EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Problem, HoldsCodeCauseAndRemedy) {
  const Response response = problem({base::ErrorCode::not_found, "stream \"x\"\n is missing", "Look \\ elsewhere."});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"urn:telltale:error:not_found\",\"title\":\"No such thing\",\"status\":404,"
            "\"detail\":\"stream \\\"x\\\"\\n is missing\",\"remedy\":\"Look \\\\ elsewhere.\"}\n");
}

}  // namespace
}  // namespace telltale::net
