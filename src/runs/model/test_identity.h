// What tests that are marked from a shell are called; the same rules as every client's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace telltale::runs {

struct ShellTest {
  std::string run;
  std::string node_id;
  std::string worker;
  std::uint32_t attempt = 1;
};

// The first 16 hexadecimal digits of SHA-256 of run, node id, attempt and worker, with a line end between them.
std::string test_id_of(const ShellTest& test);
// "checkout" of "tests/shop.sh::checkout".
std::string_view test_name_of(std::string_view node_id);
// The beginning of the names of the test's files: its name made safe for every file system, the time here, and a short hash unless the
// name alone tells the test from the others of its run.
std::string file_stem_of(const ShellTest& test, base::UnixNanos started);

}  // namespace telltale::runs
