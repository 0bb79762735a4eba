// What Rules and RulesScratch are made of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/detect/detector.h"
#include "pipeline/ids/id_finder.h"
#include "pipeline/redact/redactor.h"
#include "pipeline/rules/rules.h"
#include "pipeline/scan/digit_runs.h"
#include "pipeline/scan/scanner.h"

namespace telltale::pipeline {

struct Detectors {
  Detector common;
  std::map<std::string, Detector, std::less<>> of_service;
  const Detector& of(const record::StreamRef& stream) const;
};

struct Rules::Parts {
  Parts(Redactor the_redactor, IdFinder the_ids, Detectors the_detectors, Scanner the_scanner);
  Redactor redactor;
  IdFinder ids;
  Detectors detectors;
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
