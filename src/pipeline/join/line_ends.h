// Line ends inside joined records.
#pragma once

#include "record/batch.h"

namespace telltale::pipeline {

// "\r\n" between the lines of a joined record becomes "\n"; the bytes that are left over behind its line are line ends. Before parsing.
void normalise_line_ends(record::Batch& batch);

}  // namespace telltale::pipeline
