// The names under which structured formats write time, level, message and ids: data, not code.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace telltale::pipeline {

enum class KeyRole : std::uint8_t {
  none,
  time,
  level,
  syslog_level,     // a number of syslog: 0 (emergency) to 7 (debug)
  severity_number,  // OpenTelemetry's: 1 to 24
  message,
  trace_id,
  span_id,
  traceparent,  // W3C: 00-trace-span-flags
  baggage,      // W3C: name=value, …; of it test.case.name
  test_id,
  container,  // an object that may hold ids or the level: context, metadata, labels, log, trace, span
};

struct KnownKey {
  KeyRole role = KeyRole::none;
  std::uint8_t rank = 0;  // of several messages in one record the highest is its body
};

// Case and the characters _ . - do not count: traceId, trace_id, trace.id and TRACE-ID are one name.
KnownKey known_key(std::string_view key);

// The keys of a stream's last line by their place in it. Programs write the same keys in the same order, so most look-ups are one
// comparison of bytes.
class KeyMemory {
 public:
  KnownKey look_up(std::size_t place, std::string_view key);

 private:
  struct Entry {
    std::array<char, 22> text;
    std::uint8_t size = 0xff;
    KnownKey known;
  };
  std::array<Entry, 24> entries_;
};

}  // namespace telltale::pipeline
