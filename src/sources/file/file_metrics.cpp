#include "sources/file/file_metrics.h"

namespace telltale::sources {
namespace {
const telemetry::MetricLabels of_files{{"source", "file"}};
}

FileMetrics::FileMetrics(telemetry::Metrics& registry)
    : metrics(registry),
      lines(registry.counter("telltale_source_received_lines_total", "Source lines handed to the pipeline.", of_files)),
      bytes(registry.counter("telltale_source_received_bytes_total", "Source bytes handed to the pipeline.", of_files)),
      truncated_lines(registry.counter("telltale_source_truncated_lines_total", "Lines cut at the limit of a line.", of_files)),
      rotations(registry.counter("telltale_source_file_rotations_total", "Files that another one took the place of.")),
      truncations(registry.counter("telltale_source_file_truncations_total", "Files that were cut or overwritten in place.")),
      errors(registry.counter("telltale_source_read_errors_total", "Files that could not be opened or read, each try.", of_files)),
      lag(registry.gauge("telltale_source_lag_bytes", "Bytes that exist and are not committed.", of_files)),
      files(registry.gauge("telltale_source_files", "Files that are followed.")),
      open(registry.gauge("telltale_source_files_open", "Files that are open.")),
      held(registry.gauge("telltale_source_files_held", "Renamed or deleted files that are kept open until nobody writes to them.")),
      deleted_files(registry.gauge("telltale_source_file_deleted_files", "Deleted files that are kept open until they were read.")),
      deleted_bytes(
          registry.gauge("telltale_source_file_deleted_bytes", "Bytes of disk that deleted files take because they are kept open.")),
      positions(registry.gauge("telltale_source_file_positions", "Files whose position is kept.")) {}

void FileMetrics::count_gap(record::GapReason reason) {
  metrics
      .counter("telltale_source_gaps_total", "Losses that were stated as gap records.",
               {{"reason", std::string(record::gap_reason_name(reason))}, {"source", "file"}})
      .add();
}

}  // namespace telltale::sources
