#include "app/line_times.h"

#include "pipeline/parse/parser.h"

namespace telltale::app {
namespace {

// A function must be copied; the copies share one parser.
struct Reader {
  explicit Reader(std::int32_t zone) : parser(scratch, {.zone_offset_seconds = zone}) {}
  pipeline::ParserScratch scratch;
  pipeline::Parser parser;
};

constexpr std::size_t padding = 128;  // what parsers may read beyond a line

}  // namespace

sources::LineTime line_times(const base::Clock& clock, std::int32_t zone_offset_seconds) {
  return [&clock, reader = std::make_shared<Reader>(zone_offset_seconds)](std::string_view line) -> std::optional<base::UnixNanos> {
    if (line.ends_with('\r')) line.remove_suffix(1);
    record::Batch batch;
    batch.text.reserve(line.size() + padding);
    batch.text = line;
    record::Record record;
    record.observed_time = clock.wall();
    record.line = {0, static_cast<std::uint32_t>(line.size())};
    batch.records.push_back(record);
    reader->parser.parse(batch);
    if (batch.records[0].resolution == record::TimeResolution::none) return std::nullopt;
    return batch.records[0].event_time;
  };
}

}  // namespace telltale::app
