// What ParserScratch holds; seen by the formats only.
#pragma once

#include <string>

#include <simdjson.h>

#include "pipeline/parse/parser.h"

namespace telltale::pipeline {

struct ParserScratch::Buffers {
  simdjson::ondemand::parser json;
  simdjson::ondemand::parser nested_json;
  std::string repaired;  // a copy of a line with invalid UTF-8, of the same length
};

}  // namespace telltale::pipeline
