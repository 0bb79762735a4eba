// Compares what a store holds with the corpus it was fed.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace telltale::bench {

struct Verdict {
  std::uint64_t lines = 0;     // in the store, that carry a tag
  std::uint64_t missing = 0;   // numbers that no line has
  std::uint64_t repeated = 0;  // lines with a number that was seen before
  std::uint64_t changed = 0;   // bytes differ though nothing was redacted
  std::uint64_t redacted = 0;  // flagged so; of these only the number is compared
  std::uint64_t secrets = 0;   // lines of the corpus with a secret
  std::uint64_t leaked = 0;    // lines that still hold their secret
  bool good() const { return missing == 0 && repeated == 0 && changed == 0 && leaked == 0; }
};

// Reads the store in `folder` without its lock. The corpus has `lines` lines of `seed`.
base::Result<Verdict> verify_store(const std::string& folder, std::uint64_t seed, std::uint64_t lines);

}  // namespace telltale::bench
