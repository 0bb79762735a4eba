#include "pipeline/join/joiner.h"

#include "pipeline/join/batch_join.h"

namespace telltale::pipeline {

std::size_t Joiner::join(record::Batch& batch, Hold hold, std::size_t whole) {
  continuations_.clear();
  has_joined_ = false;
  if (!options_.enabled || batch.records.empty()) return batch.records.size();
  BatchJoin work(batch, options_, state_, continuations_);
  work.run();
  has_joined_ = work.has_joined();
  return work.finish(hold, whole, state_);
}

}  // namespace telltale::pipeline
