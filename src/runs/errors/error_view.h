// Which records are errors where a service has error patterns of its own: what capture found, and what the patterns make of it on reading.
// docs/reference/detection.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"
#include "runs/model/run.h"

namespace telltale::runs {

// Immutable, thread-safe.
class ErrorView {
 public:
  explicit ErrorView(const ErrorPatterns& patterns);

  // Whether a record with that line is an error, when without the patterns it `is_severe` (its own level) or `is_found` (what detection
  // marked): changes both.
  void look(std::string_view line, bool& is_severe, bool& is_found) const;

 private:
  std::vector<std::string> words_;    // in lower case
  std::vector<std::string> ignored_;  // in lower case
  bool replaces_ = false;
};

// What the views make of a record, one after the other; null ones change nothing.
bool is_error(const record::RecordView& record, const ErrorView* first, const ErrorView* second);

}  // namespace telltale::runs
