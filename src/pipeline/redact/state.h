// What redaction carries from one line of a stream to the next, over batches and reads.
#pragma once

#include <cstdint>

namespace telltale::pipeline {

// A private key in PEM form that began and has not ended yet.
struct RedactState {
  bool in_private_key = false;
  std::uint16_t key_lines = 0;      // lines since it began
  std::uint16_t foreign_lines = 0;  // lines in a row that cannot belong to it
  std::uint32_t column = 0;         // where it began in its line: a logger's prefix is as long on the lines that follow
  bool operator==(const RedactState&) const = default;
};

}  // namespace telltale::pipeline
