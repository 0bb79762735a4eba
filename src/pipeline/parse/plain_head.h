// The level in the head of a plain line.
#pragma once

#include <cstddef>
#include <string_view>

#include "record/severity.h"

namespace telltale::pipeline {

struct HeadLevel {
  record::Severity severity = record::Severity::unset;  // unset: none was found
  std::size_t begin = 0;
  std::size_t size = 0;
  std::size_t body = 0;   // where the message begins behind it
  bool adjacent = false;  // nothing but separators, numbers and brackets stands before it
};

// Looks in `text` from `at` on, over a few words at most. A level is a word in a bracket, in capitals, followed by a colon or bar, or
// the first word behind a timestamp. `behind_time`: a timestamp ends at `at`.
HeadLevel find_head_level(std::string_view text, std::size_t at, bool behind_time);

// Past spaces, bars, colons, commas, dashes and terminal colours.
std::size_t skip_separators(std::string_view text, std::size_t at);

}  // namespace telltale::pipeline
