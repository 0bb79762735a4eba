// Reports made by hand, for tests.
#pragma once

#include <string_view>

#include "reports/run_report.h"

namespace telltale::reports::testing {

// A run with about everything in it: classes, parameters, attempts, workers, crashes, shared lines, gaps.
RunReport sample_run();

// The same with `text` wherever a client's or a log's text stands, and nothing where there was nothing.
RunReport with_text(RunReport report, std::string_view text);

// All that has ever been used to break out of a text format.
std::string_view hostile_text();

}  // namespace telltale::reports::testing
