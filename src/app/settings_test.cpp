#include "app/settings.h"

#include <gtest/gtest.h>

namespace telltale::app {
namespace {

TEST(ZoneOffset, ReadsUtcAndOffsets) {
  EXPECT_EQ(zone_offset_seconds("UTC", 0).value(), 0);
  EXPECT_EQ(zone_offset_seconds("+02:00", 0).value(), 7200);
  EXPECT_EQ(zone_offset_seconds("-05:30", 0).value(), -19800);
}

// In winter and in summer.
TEST(ZoneOffset, LocalIsThisMachinesZoneAtTheTime) {
  const char* before = std::getenv("TZ");
  const std::string kept = before != nullptr ? before : "";
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  tzset();
  EXPECT_EQ(zone_offset_seconds("local", 1'700'000'000ll * base::nanos_per_second).value(), 3600);
  EXPECT_EQ(zone_offset_seconds("local", 1'720'000'000ll * base::nanos_per_second).value(), 7200);
  before != nullptr ? setenv("TZ", kept.c_str(), 1) : unsetenv("TZ");
  tzset();
}

TEST(ZoneOffset, RefusesWhatIsNoZone) {
  for (const char* zone : {"CET", "+2", "+99:00", "+02:75", "02:00"}) {
    const auto offset = zone_offset_seconds(zone, 0);
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
