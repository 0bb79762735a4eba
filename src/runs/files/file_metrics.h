// What is measured of the runs' files.
#pragma once

#include "telemetry/metrics.h"

namespace telltale::runs {

struct FileMetrics {
  explicit FileMetrics(telemetry::Metrics& metrics);
  telemetry::Counter& lines;       // records that came to a service's file
  telemetry::Counter& bytes;       // appended to files of services and running tests
  telemetry::Counter& finals;      // files of tests put in place in their final form
  telemetry::Counter& unchanged;   // looked at again and found as they should be
  telemetry::Counter& passes;      // scans of the store
  telemetry::Counter& failures;    // attempts that ended with an error of the file system
  telemetry::Gauge& open_runs;     // whose files are written here
  telemetry::Gauge& failing_runs;  // of them: with trouble now
};

}  // namespace telltale::runs
