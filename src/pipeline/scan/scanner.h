// Scanner: finds every occurrence of every registered literal in a block of text, in one pass.
//
// One Vectorscan literal database holds all literals that any stage of the pipeline is interested in (redaction triggers, detection
// words, key names). It is run over whole blocks (256 KiB to 1 MiB of lines), not over lines: that is two to three times faster; hits are
// mapped to lines afterwards by their offset. A hit is only a hint: the stage that registered the literal confirms it on the line.
// Scanner is immutable and thread-safe; what a scan writes to lives in a ScanScratch, one a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct hs_database;
struct hs_scratch;

namespace telltale::pipeline {

using LiteralId = std::uint32_t;

// One occurrence of a literal: it ends before text[end].
struct Hit {
  LiteralId literal = 0;
  std::uint32_t end = 0;
};

class Scanner;

// Working memory of scans with one Scanner; used by one thread at a time. It may die before or after the Scanner.
class ScanScratch {
 public:
  explicit ScanScratch(const Scanner& scanner);

 private:
  friend class Scanner;
  struct Free {
    void operator()(hs_scratch* scratch) const;
  };
  std::unique_ptr<hs_scratch, Free> scratch_;
};

class Scanner {
 public:
  // Appends all hits in `text`, in order of their end. `text` is under 4 GiB.
  void scan(std::string_view text, ScanScratch& scratch, std::vector<Hit>& hits) const;

  std::size_t literal_count() const { return sizes_.size(); }
  std::uint32_t literal_size(LiteralId id) const { return sizes_[id]; }

 private:
  friend class ScannerBuilder;
  friend class ScanScratch;
  struct Free {
    void operator()(hs_database* database) const;
  };
  struct Byte {
    char value = 0;
    LiteralId id = 0;
  };
  void scan_bytes(std::string_view text, std::vector<Hit>& hits) const;

  std::unique_ptr<hs_database, Free> database_;  // null when there are no literals of two bytes or more
  // Literals of one byte, case kept: a search for a byte costs a tenth of what one such literal costs the whole automaton (measured:
  // 0.35 ns a byte of text).
  std::vector<Byte> bytes_;
  std::vector<std::uint32_t> sizes_;
};

// Collects literals, then compiles them once. The same literal with the same case rule gets the same id.
class ScannerBuilder {
 public:
  // `literal` is not empty; any bytes. `any_case` folds ASCII letters.
  LiteralId add(std::string_view literal, bool any_case);
  // Fails with `internal` when Vectorscan cannot compile the set or run on this processor.
  base::Result<Scanner> build() const;

 private:
  struct Literal {
    std::string text;
    bool any_case = false;
    bool operator==(const Literal&) const = default;
  };
  std::vector<Literal> literals_;
};

}  // namespace telltale::pipeline
