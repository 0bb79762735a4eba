#include "record/batch.h"

namespace telltale::record {

std::size_t Batch::bytes() const {
  std::size_t sum = sizeof(Batch) + text.capacity() + records.capacity() * sizeof(Record) + attributes.capacity() * sizeof(Attribute) +
                    findings.capacity() * sizeof(Finding) + rule_names.capacity() * sizeof(std::string);
  for (const std::string& name : rule_names) sum += name.capacity();
  if (position) sum += position->key.capacity() + position->value.capacity();
  return sum;
}

}  // namespace telltale::record
