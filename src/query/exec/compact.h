// Rows that do not hold on to whole batches.
#pragma once

#include <cstdint>

#include "record/batch.h"

namespace telltale::query {

// A batch with record `index` of `batch` alone, under its own sequence; positions and raw ranges of the batch are left out.
record::CommittedBatchRef copy_record(const record::CommittedBatch& batch, std::uint32_t index);

}  // namespace telltale::query
