// What Rules and RulesScratch are made of.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "pipeline/detect/detector.h"
#include "pipeline/ids/id_finder.h"
#include "pipeline/redact/redactor.h"
#include "pipeline/rules/rules.h"
#include "pipeline/scan/digit_runs.h"
#include "pipeline/scan/scanner.h"

namespace telltale::pipeline {

struct Rules::Parts {
  Parts(Redactor the_redactor, IdFinder the_ids, Detector the_detector, Scanner the_scanner);
  Redactor redactor;
  IdFinder ids;
  Detector detector;
  Scanner scanner;
  std::vector<std::uint8_t> redacts;  // a literal's: whether redaction wants to see its line
};

struct RulesScratch::Parts {
  explicit Parts(const Scanner& scanner) : redact(scanner) {}
  RedactScratch redact;
  DetectScratch detect;
  std::vector<Hit> hits;
  std::vector<NumberHit> numbers;
  std::vector<std::uint8_t> escaped;  // a record's: its unescaped text holds a secret; empty when no record's does
};

}  // namespace telltale::pipeline
