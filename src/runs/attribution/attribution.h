// Which test a record belongs to: computed on reading, from stored events (docs/reference/runs.md has the rules). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "record/batch.h"
#include "runs/registry/window.h"

namespace telltale::runs {

enum class Method : std::uint8_t {
  none,        // no test could have been running
  candidates,  // several could
  sole,        // one alone was running
  isolated,    // the stream is this test's alone
  trace,       // the record's trace is this test's
  id,          // the record names the test
};
std::string_view name_of(Method method);  // "id" "trace"…

// `tests` are indices into the window's: one when certain(), by start. `clock` tells of a correction that was applied.
struct Attribution {
  Method method = Method::none;
  std::vector<std::uint32_t> tests;
  std::vector<std::uint32_t> runs;  // that were running then
  std::optional<ClockCorrection> clock;
  bool certain() const { return method > Method::candidates; }
};

Attribution attribute(const Window& window, const record::Batch& batch, const record::Record& record, std::int64_t grace_ns);

}  // namespace telltale::runs
