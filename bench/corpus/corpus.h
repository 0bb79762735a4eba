// The mixed corpus that benchmarks run on: log lines as real services write them, made from a seed and nothing else.
//
// 35 % JSON (pino, zap, python-json-logger, Elastic Common Schema, application lines), 15 % logfmt, 50 % plain (Python, Java, Go, klog,
// syslog, nginx), in bursts of 1 to 30 lines of one program; about 138 bytes a line; about 2 % errors and 0.5 % with a secret. Each
// line carries a tag, "req-NNNNNNNNN-CCCCCCCC": its running number and the CRC-32C of the line with zeros in place of the C's, so that
// lost, repeated and changed lines can be proven.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace telltale::bench {

// splitmix64: the same numbers everywhere. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators".
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to n - 1.
  std::uint64_t below(std::uint64_t n) { return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64); }
  bool chance(std::uint64_t in_ten_thousand) { return below(10'000) < in_ten_thousand; }

 private:
  std::uint64_t state_;
};

// The default start of a corpus' clock: 2026-11-20T00:00:00Z.
inline constexpr base::UnixNanos corpus_start = 1'795'132'800 * base::nanos_per_second;

// Makes line after line. Not thread-safe.
class Corpus {
 public:
  explicit Corpus(std::uint64_t seed, base::UnixNanos start = corpus_start) : dice_(seed), time_(start) {}

  // Appends the next line with its "\n".
  void append_line(std::string& out);
  // Of the last line: its secret, empty when it has none. Valid until the next line.
  std::string_view secret() const { return secret_; }
  std::uint64_t lines() const { return number_; }

 private:
  Dice dice_;
  base::UnixNanos time_;
  std::uint64_t number_ = 0;
  unsigned program_ = 0;
  std::uint64_t burst_left_ = 0;
  std::string secret_;
};

// What a line's tag says. `intact`: the checksum fits, so no byte of the line was changed.
struct LineTag {
  std::uint64_t number = 0;
  bool intact = false;
};
// Nothing when the line has no tag. `line` without its end.
std::optional<LineTag> read_tag(std::string_view line);

}  // namespace telltale::bench
