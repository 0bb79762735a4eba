// How a line begins, for stages before parsing: of one mind with the formats about times and levels, but without filling anything.
#pragma once

#include <string_view>

#include "record/severity.h"

namespace telltale::pipeline {

struct LineStart {
  bool timed = false;     // with a time of any form that programs begin their lines with, also one without a date
  bool levelled = false;  // with a level
  record::Severity severity = record::Severity::unset;  // unset also where a time has no level behind it
  // The line is the head of a record as programs that have a format write it.
  bool headed() const { return timed || levelled; }
};

// Looks at a bounded number of bytes.
LineStart look_at_start(std::string_view line);
bool begins_with_time(std::string_view line);
// A level at the very beginning: "ERROR:root:text", "[WARN] text", "fail: Category[0]". Unset: none.
record::Severity level_at_start(std::string_view line);

// JSON or pairs: such a line is a record by itself.
bool is_structured(std::string_view line);

}  // namespace telltale::pipeline
