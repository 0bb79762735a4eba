// Attribution against the truth: tests that overlap, services whose clocks and timestamps differ, and lines whose test is known because the
// case made them. Seeds are printed where a case fails.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "runs/attribution/attribution.h"

namespace telltale::runs {
namespace {

constexpr std::int64_t ms = base::nanos_per_millisecond;
constexpr std::int64_t grace = ms;

// What one service writes and what its clock does.
struct Service {
  record::TimeResolution resolution;
  std::int64_t resolution_ns;
  std::int64_t offset_ns;       // real = written + offset
  std::int64_t uncertainty_ns;  // the offset that is known differs from the real one by at most this
};

// One line as it was written, and what is known of it later.
struct Line {
  std::uint32_t truth = 0;
  UnixNanos written = 0;  // real time
  UnixNanos known_from = 0;
  UnixNanos known_to = 0;  // what its timestamp leaves open: computed here from the definition, not by the code under test
  record::Batch batch;
  record::Record record;
  Window window;
};

class Case {
 public:
  explicit Case(std::uint32_t seed) : random_(seed) {
    window_.runs.push_back({.id = "r", .service = "s", .span = {0, INT64_MAX}, .worker = ""});
    const auto workers = static_cast<std::size_t>(1 + below(8));
    std::vector<UnixNanos> free_at(workers, 0);
    for (int i = 0; i < 60; ++i) {
      const auto worker = static_cast<std::size_t>(below(static_cast<std::int64_t>(workers)));
      const UnixNanos from = free_at[worker] + below(3000) * ms;
      const UnixNanos to = from + (1 + below(4000)) * ms;
      free_at[worker] = to;
      auto key = std::make_shared<TestKey>();
      key->id = "id" + std::to_string(i);
      key->node_id = "t::n" + std::to_string(i / 2);  // pairs are attempts of one test
      window_.tests.push_back({key, {from, to}, 0});
    }
    std::ranges::sort(window_.tests, {}, [](const WindowTest& test) { return test.span.from; });
    for (std::uint32_t i = 0; i < window_.tests.size(); ++i) {
      window_.named[window_.tests[i].key->id].push_back(i);
      window_.named[window_.tests[i].key->node_id].push_back(i);
      window_.traced[std::string(31, '0') + std::to_string(i)].push_back(i);
    }
  }

  Line line(const Service& service) {
    Line out;
    out.truth = static_cast<std::uint32_t>(below(static_cast<std::int64_t>(window_.tests.size())));
    const TimeSpan& span = window_.tests[out.truth].span;
    out.written = span.from + below(span.to - span.from + 1);
    out.window = window_;
    const std::int64_t error = service.uncertainty_ns == 0 ? 0 : below(2 * service.uncertainty_ns + 1) - service.uncertainty_ns;
    const UnixNanos shown = out.written - service.offset_ns;
    out.record.event_time = shown - shown % service.resolution_ns;
    if (shown % service.resolution_ns < 0) out.record.event_time -= service.resolution_ns;
    out.record.resolution = service.resolution;
    out.record.observed_time = out.written + below(5000) * ms;  // late lines
    out.window.clock = ClockCorrection{service.offset_ns + error, service.uncertainty_ns, OffsetMethod::measured};
    out.known_from = out.record.event_time + service.offset_ns + error - service.uncertainty_ns;
    out.known_to = std::min(out.record.event_time + service.resolution_ns + service.offset_ns + error + service.uncertainty_ns,
                            out.record.observed_time);
    return out;
  }
  void give_id(Line& line, const std::string& id, bool trace) {
    line.batch.text = id;
    (trace ? line.record.trace_id : line.record.test_id) = {0, static_cast<std::uint32_t>(id.size())};
  }
  std::int64_t below(std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_); }
  const Window& window() const { return window_; }

 private:
  std::mt19937 random_;
  Window window_;
};

constexpr Service services[] = {{record::TimeResolution::nanosecond, 1, 0, 0},
                                {record::TimeResolution::millisecond, ms, 0, 0},
                                {record::TimeResolution::second, 1000 * ms, 0, 0},
                                {record::TimeResolution::millisecond, ms, 5000 * ms, 0},
                                {record::TimeResolution::millisecond, ms, -7000 * ms, 40 * ms},
                                {record::TimeResolution::second, 1000 * ms, 3000 * ms, 500 * ms}};

std::vector<std::uint32_t> that_may_be(const Line& line) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < line.window.tests.size(); ++i) {
    const TimeSpan& span = line.window.tests[i].span;
    if (span.from - grace <= line.known_to && line.known_from <= span.to + grace) out.push_back(i);
  }
  return out;
}

TEST(AttributionOracle, ByTimeTheTruthIsAmongThoseNamedAndOnlyThoseThatMayBe) {
  std::size_t certain = 0;
  std::size_t unambiguous = 0;
  std::vector<std::size_t> sizes;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    Case made(seed);
    for (int i = 0; i < 60; ++i) {
      const Line line = made.line(services[static_cast<std::size_t>(i) % std::size(services)]);
      const Attribution got = attribute(line.window, line.batch, line.record, grace);
      const auto expected = that_may_be(line);
      ASSERT_EQ(got.tests, expected) << "seed " << seed << " line " << i;
      ASSERT_TRUE((std::ranges::find(got.tests, line.truth) != got.tests.end())) << "seed " << seed << " line " << i;
      if (got.certain()) {
        ASSERT_EQ(got.tests, std::vector{line.truth}) << "seed " << seed << " line " << i;
        ++certain;
      } else {
        sizes.push_back(got.tests.size());
      }
      if (expected.size() == 1) ++unambiguous;
    }
  }
  EXPECT_EQ(certain, unambiguous) << "whatever only one test can have written is certain";
  ASSERT_GT(certain, 1000u);
  ASSERT_GT(sizes.size(), 1000u) << "else nothing was shown of candidates";
  std::ranges::nth_element(sizes, sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2));
  std::printf("RESULT attribution: %zu certain, %zu with candidates, %zu of them in the median\n", certain, sizes.size(),
              sizes[sizes.size() / 2]);
}

TEST(AttributionOracle, WhoNamesItsTestIsItsWhateverTheClocksSay) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    Case made(seed);
    for (int i = 0; i < 60; ++i) {
      Line line = made.line(services[static_cast<std::size_t>(i) % std::size(services)]);
      const bool trace = i % 2 == 0;
      made.give_id(line, trace ? std::string(31, '0') + std::to_string(line.truth) : line.window.tests[line.truth].key->id, trace);
      const Attribution got = attribute(line.window, line.batch, line.record, grace);
      ASSERT_EQ(got.tests, std::vector{line.truth}) << "seed " << seed << " line " << i;
      ASSERT_EQ(got.method, trace ? Method::trace : Method::id);
    }
  }
}

TEST(AttributionOracle, ANodeIdNeverMeansAnotherTest) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    Case made(seed);
    for (int i = 0; i < 60; ++i) {
      Line line = made.line(services[static_cast<std::size_t>(i) % std::size(services)]);
      const std::string node_id = line.window.tests[line.truth].key->node_id;
      made.give_id(line, node_id, false);
      const Attribution got = attribute(line.window, line.batch, line.record, grace);
      ASSERT_TRUE((std::ranges::find(got.tests, line.truth) != got.tests.end())) << "seed " << seed << " line " << i;
      for (const std::uint32_t test : got.tests) ASSERT_EQ(line.window.tests[test].key->node_id, node_id);
    }
  }
}

}  // namespace
}  // namespace telltale::runs
