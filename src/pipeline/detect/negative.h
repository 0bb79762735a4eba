// The negative grammar of detection: when a word such as "error" stands in a line that reports no error.
#pragma once

#include <cstddef>
#include <string_view>

namespace telltale::pipeline {

// Whether the word at [begin, end) of `line` is
//   a count of zero:      "0 errors", "errors: 0", "error_count=0", "no errors", "without error", "\"errors\":0", "error": null
//   a setting:            timeout=30s, "timeout: 5000", connect_timeout_ms, error_log /var/log/x, on_error=continue
//   a name of no error:   error.log, non-fatal, error-free, crashlytics
// Looks at a bounded stretch around the word.
bool is_no_error(std::string_view line, std::size_t begin, std::size_t end);

}  // namespace telltale::pipeline
