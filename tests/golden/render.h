// What the pipeline makes of a log, as text that people read.
#pragma once

#include <string>
#include <vector>

#include "record/batch.h"

namespace telltale::golden {

// The bytes through the whole pipeline with the default rules, in one block.
std::vector<record::Batch> run_pipeline(const std::string& bytes);

// Each record: a headline (number of lines, level, time, ids, findings, the body where it is not the line), then its lines behind bars.
std::string render(const std::vector<record::Batch>& batches);

}  // namespace telltale::golden
