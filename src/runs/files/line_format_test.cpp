#include "runs/files/line_format.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::runs {
namespace {

using namespace std::string_view_literals;

const base::FixedTimeZone zone(2 * 3600);
const base::UnixNanos noon = *base::parse_rfc3339("2025-10-26T10:05:45.123456789Z");

std::string format(std::string_view line, std::string_view instance = {}, bool shared = false) {
  record::Batch batch;
  batch.stream = record::make_stream(record::Labels({{"service", "focus-server"}}));
  batch.text = line;
  record::Record record;
  record.line = {0, static_cast<std::uint32_t>(line.size())};
  FormattedLine formatted;
  formatted.assign({&batch, &record, 1}, {"focus-server", instance, noon}, zone);
  std::string out;
  formatted.append_to(out, shared);
  return out;
}

TEST(FormattedLine, IsThatOfTheContract) {
  EXPECT_EQ(format("connection refused"), "[2025-10-26 12:05:45.123] [focus-server] connection refused\n");
  EXPECT_EQ(format("ready", "focus-server-7d9f"), "[2025-10-26 12:05:45.123] [focus-server/focus-server-7d9f] ready\n");
  EXPECT_EQ(format("ready", {}, true), "[2025-10-26 12:05:45.123] [focus-server] [shared] ready\n");
  EXPECT_EQ(format(""), "[2025-10-26 12:05:45.123] [focus-server] \n");
}

TEST(FormattedLine, FurtherLinesOfAJoinedRecordHaveNoPrefix) {
  EXPECT_EQ(format("Traceback:\n  File \"a.py\"\nKeyError: 'x'\n", {}, true),
            "[2025-10-26 12:05:45.123] [focus-server] [shared] Traceback:\n  File \"a.py\"\nKeyError: 'x'\n");
}

TEST(FormattedLine, NothingSteersTheReader) {
  EXPECT_EQ(format("\x1b[31mred\x1b[0m a\rb\0c\x7f\ttab\r"sv),
            "[2025-10-26 12:05:45.123] [focus-server] \\x1b[31mred\\x1b[0m a\\x0db\\x00c\\x7f\ttab\n");
  EXPECT_EQ(format("gr\xC3\xBC\xC3\x9F \xFF \xE2\x80\xAE"),
            "[2025-10-26 12:05:45.123] [focus-server] gr\xC3\xBC\xC3\x9F \\xff \\xe2\\x80\\xae\n");
  EXPECT_EQ(format("x", "a\nb]"), "[2025-10-26 12:05:45.123] [focus-server/a\\x0ab]] x\n");
}

TEST(InstanceOf, IsWhatTellsStreamsOfAServiceApart) {
  const auto of = [](record::Labels labels) { return instance_of(*record::make_stream(std::move(labels))); };
  EXPECT_EQ(of(record::Labels({{"service", "api"}, {"source", "file"}, {"file", "/var/log/api-2.log"}})), "api-2.log");
  EXPECT_EQ(of(record::Labels({{"service", "api"}, {"pod", "api-7d9f"}, {"container", "api"}})), "api-7d9f");
  EXPECT_EQ(of(record::Labels({{"service", "api"}, {"pod", "api-7d9f"}, {"container", "proxy"}})), "api-7d9f/proxy");
  EXPECT_EQ(of(record::Labels({{"service", "api"}, {"container", "api_1"}})), "api_1");
  EXPECT_EQ(of(record::Labels({{"service", "api"}, {"source", "process"}, {"stream", "stderr"}, {"instance", "run-1"}})), "");
}

}  // namespace
}  // namespace telltale::runs
