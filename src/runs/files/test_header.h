// The first line of a test's files: what the file is and how final it is.
//
//   # final test=00000000000000a2 run=20251125T080312-7f3a9c outcome=failed lines=12 shared=3 errors=2 possible_errors=1 attempt=1
//   worker=gw0 name=tests/test_pay.py::test_card      (on one line)
#pragma once

#include <string>
#include <string_view>

#include "runs/model/run.h"
#include "runs/summary/tally.h"

namespace telltale::runs {

// `counts` are told when it is final. With its line end.
std::string final_header(const Test& test, const TestTally& counts);
std::string provisional_header(const Test& test);
// Whether a file's beginning is a header of that test.
bool is_header_of(std::string_view begin, std::string_view test_id);

}  // namespace telltale::runs
