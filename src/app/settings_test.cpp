#include "app/settings.h"

#include <gtest/gtest.h>

namespace telltale::app {
namespace {

TEST(ZoneOffset, ReadsUtcAndOffsets) {
  EXPECT_EQ(zone_offset_seconds("UTC").value(), 0);
  EXPECT_EQ(zone_offset_seconds("+02:00").value(), 7200);
  EXPECT_EQ(zone_offset_seconds("-05:30").value(), -19800);
}

TEST(ZoneOffset, RefusesWhatIsNoZone) {
  for (const char* zone : {"CET", "+2", "+99:00", "+02:75", "02:00"}) {
    const auto offset = zone_offset_seconds(zone);
    ASSERT_FALSE(offset.has_value()) << zone;
    EXPECT_NE(offset.error().cause.find(zone), std::string::npos);
  }
}

TEST(Exposure, LoopbackWithTokenIsFine) {
  config::ServerConfig server;
  EXPECT_FALSE(check_exposure(server).value().has_value());
}

TEST(Exposure, BeyondLoopbackNeedsTls) {
  config::ServerConfig server;
  server.host = "0.0.0.0";
  const auto answer = check_exposure(server);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, base::ErrorCode::insecure_listener);
}

TEST(Exposure, OptingOutWarns) {
  config::ServerConfig server;
  server.host = "0.0.0.0";
  server.allow_insecure = true;
  ASSERT_TRUE(check_exposure(server).value().has_value());
  EXPECT_NE(check_exposure(server).value()->find("without TLS"), std::string::npos);
}

TEST(Exposure, TlsWithTokenIsFineEverywhere) {
  config::ServerConfig server;
  server.host = "0.0.0.0";
  server.tls_certificate = "cert.pem";
  server.tls_key = "key.pem";
  EXPECT_FALSE(check_exposure(server).value().has_value());
}

}  // namespace
}  // namespace telltale::app
