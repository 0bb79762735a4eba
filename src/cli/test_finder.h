// From what a person types to one test.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "base/error.h"
#include "cli/endpoint.h"

namespace telltale::cli {

struct TestWanted {
  std::string what;    // a test id, a node id, a name, or a part of them
  std::string run;     // empty: any
  std::string worker;  // empty: any
};

// The test as the API shows it. Of several executions of one test (runs, attempts, workers) the newest, which is said on standard error.
// test_not_found; invalid_argument lists the tests that fit when they are several.
base::Result<boost::json::object> find_test(Endpoint& endpoint, const TestWanted& wanted);

}  // namespace telltale::cli
