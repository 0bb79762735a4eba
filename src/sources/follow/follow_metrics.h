// telltale_source_* of one kind of follow streams; the references live in a Metrics.
#pragma once

#include <string>

#include "record/gap.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

struct FollowMetrics {
  FollowMetrics(telemetry::Metrics& registry, std::string source_kind);
  void count_gap(record::GapReason reason);
  // `cause`: one of a few words, as "cut" or "silent".
  void count_reconnect(const std::string& cause);

  telemetry::Metrics& metrics;
  const std::string kind;
  telemetry::Counter& lines;
  telemetry::Counter& bytes;
  telemetry::Counter& truncated_lines;
  telemetry::Counter& duplicates;
  telemetry::Counter& overflows;
  telemetry::Gauge& lag;
  telemetry::Gauge& delay;
  telemetry::Gauge& streams;
  telemetry::Gauge& away;
};

}  // namespace telltale::sources
