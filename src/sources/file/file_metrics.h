// telltale_source_* of the file source; the references live in a Metrics.
#pragma once

#include "record/gap.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

struct FileMetrics {
  explicit FileMetrics(telemetry::Metrics& registry);
  void count_gap(record::GapReason reason);

  telemetry::Metrics& metrics;
  telemetry::Counter& lines;
  telemetry::Counter& bytes;
  telemetry::Counter& truncated_lines;
  telemetry::Counter& rotations;
  telemetry::Counter& truncations;
  telemetry::Counter& errors;
  telemetry::Gauge& lag;
  telemetry::Gauge& files;
  telemetry::Gauge& open;
  telemetry::Gauge& held;
  telemetry::Gauge& deleted_files;
  telemetry::Gauge& deleted_bytes;
  telemetry::Gauge& positions;
};

}  // namespace telltale::sources
