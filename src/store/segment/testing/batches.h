// Random batches and their comparison, for tests of the codec and of the store.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "record/batch.h"
#include "record/stream.h"

namespace telltale::store::testing {

// Any batch that the contract of record/batch.h allows: references inside lines, outside them, nested, empty; all types of attributes.
class BatchMaker {
 public:
  explicit BatchMaker(std::uint64_t seed) : random_(seed) {}
  record::Batch make(record::StreamRef stream, std::size_t records);

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::string words(std::size_t size);
  record::TextRef part_of(record::TextRef whole);
  record::TextRef any_ref(record::Batch& batch, const record::Record& record);
  void add_record(record::Batch& batch);
  void add_attributes(record::Batch& batch, record::Record& record);
  void add_findings(record::Batch& batch, record::Record& record);

  std::mt19937_64 random_;
  record::TextRef last_outside_;
};

// Equal in all that a reader can see: texts behind references, not the places they refer to; names of rules, not their numbers.
// Empty, or what differs.
std::string difference(const record::Batch& a, const record::Batch& b);

}  // namespace telltale::store::testing
