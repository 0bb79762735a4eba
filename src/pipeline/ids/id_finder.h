// Ids that stand anywhere in a line: test_id=…, x-test-id: …, trace_id=…, traceId: …, traceparent, and test.case.name of a logged baggage.
//
// Works from the scanner's hits on the names and confirms each where it stands: a name of its own, a colon or equals sign, a value of the
// right form. Fills what parsing did not find. Immutable, thread-safe; a line without such a name costs nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/scan/scanner.h"
#include "record/batch.h"

namespace telltale::pipeline {

class IdFinder {
 public:
  // Registers its literals with `builder`.
  explicit IdFinder(ScannerBuilder& builder);

  // `hits` are those of the record's line, in order; their ends count from `base` bytes before the line. True: the test's id is
  // percent-encoded as it stands in a baggage, and is to be decoded by the caller.
  bool find(const record::Batch& batch, record::Record& record, std::span<const Hit> hits, std::uint32_t base) const;

 private:
  enum class Kind : std::uint8_t { none, test, trace, span, parent, baggage };
  struct Name {
    Kind kind = Kind::none;
    std::uint8_t size = 0;
  };
  void add(ScannerBuilder& builder, std::string_view name, Kind kind);
  static bool is_known(const record::Record& record, Kind kind);

  std::vector<Name> names_;  // a literal's
};

}  // namespace telltale::pipeline
