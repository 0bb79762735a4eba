#include "sources/follow/follow_metrics.h"

#include <utility>

namespace telltale::sources {

FollowMetrics::FollowMetrics(telemetry::Metrics& registry, std::string source_kind)
    : metrics(registry),
      kind(std::move(source_kind)),
      lines(registry.counter("telltale_source_received_lines_total", "Source lines handed to the pipeline.", {{"source", kind}})),
      bytes(registry.counter("telltale_source_received_bytes_total", "Source bytes handed to the pipeline.", {{"source", kind}})),
      truncated_lines(registry.counter("telltale_source_truncated_lines_total", "Lines cut at the limit of a line.", {{"source", kind}})),
      duplicates(registry.counter("telltale_source_duplicates_total", "Lines, parts of them or blocks that a source was told again.",
                                  {{"source", kind}})),
      overflows(registry.counter("telltale_source_window_overflows_total",
                                 "Lines whose second before an interruption held more than can be told apart.", {{"source", kind}})),
      lag(registry.gauge("telltale_source_lag_bytes", "Bytes that exist and are not committed.", {{"source", kind}})),
      delay(registry.gauge("telltale_source_delay_milliseconds", "From the time of the newest line on its server to its arrival.",
                           {{"source", kind}})),
      streams(registry.gauge("telltale_source_follow_streams", "Streams of servers that are followed.", {{"source", kind}})),
      away(registry.gauge("telltale_source_follow_streams_away", "Those of them whose server is not connected.", {{"source", kind}})) {}

void FollowMetrics::count_gap(record::GapReason reason) {
  metrics
      .counter("telltale_source_gaps_total", "Losses that were stated as gap records.",
               {{"reason", std::string(record::gap_reason_name(reason))}, {"source", kind}})
      .add();
}

void FollowMetrics::count_reconnect(const std::string& cause) {
  metrics.counter("telltale_source_reconnects_total", "Times that a server was asked again.", {{"cause", cause}, {"source", kind}}).add();
}

}  // namespace telltale::sources
