#include "runs/files/file_metrics.h"

namespace telltale::runs {

FileMetrics::FileMetrics(telemetry::Metrics& metrics)
    : lines(metrics.counter("telltale_run_files_lines_total", "Records written to the files of runs' services.")),
      bytes(metrics.counter("telltale_run_files_bytes_total", "Bytes appended to files of runs' services and running tests.")),
      finals(metrics.counter("telltale_run_files_finals_total", "Tests whose files were put in place in their final form.")),
      unchanged(
          metrics.counter("telltale_run_files_unchanged_total", "Tests whose final files were looked at again and left as they were.")),
      passes(metrics.counter("telltale_run_files_passes_total", "Scans of the store for files of runs.")),
      failures(metrics.counter("telltale_run_files_failures_total", "Attempts to write files of runs that failed; they are repeated.")),
      open_runs(metrics.gauge("telltale_run_files_runs", "Runs whose files are written here.", {{"state", "open"}})),
      failing_runs(metrics.gauge("telltale_run_files_runs", "Runs whose files are written here.", {{"state", "failing"}})) {}

}  // namespace telltale::runs
