// Writes one line of one program.
#pragma once

#include <string>

#include "corpus/corpus.h"

namespace telltale::bench {

struct LineFacts {
  base::UnixNanos time = 0;
  bool is_error = false;
  bool is_warning = false;
  std::string_view secret;  // empty: none
  std::string_view tag;
};

inline constexpr unsigned program_count = 12;
// How many in a hundred lines each program writes; they sum up to 100.
extern const unsigned char program_shares[program_count];

// Without the line's end.
void write_line(std::string& out, unsigned program, const LineFacts& facts, Dice& dice);

}  // namespace telltale::bench
