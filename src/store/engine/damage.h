// A part of the store that cannot be read any more, and what is known of what it held. Pure data and functions.
#pragma once

#include <string>
#include <vector>

#include "record/batch.h"
#include "record/gap.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

struct Damage {
  std::string segment;  // file name
  DamagedRange range;   // of size 0: what is missing is not in the file (any more)
  // Records [from_sequence, end_sequence) are missing, at the most; the same number twice: nothing is.
  record::Sequence from_sequence = 0;
  record::Sequence end_sequence = 0;
  base::UnixNanos from_time = 0;  // what is missing was written between these, as far as is known
  base::UnixNanos to_time = 0;
  std::vector<std::string> services;  // of whom something may be missing, as far as is known
  std::string what;                   // in words, for people
  std::uint64_t missing = 0;          // records that are missing, as far as can be counted

  bool loses() const { return end_sequence > from_sequence; }
};

// The store tells of each damage once: with the gap record it commits a position with this key and value, which holds as long as the
// segment is kept. A damage that has grown has another value and is told again.
record::Position damage_position(const Damage& damage);
// Whether a position is such a one.
bool is_damage_key(std::string_view key);
// The first sequence of the segment that the key is about.
record::Sequence segment_of_damage_key(std::string_view key);

record::Gap gap_of(const Damage& damage);
// The stream of the store's own gaps.
record::StreamRef store_stream();

}  // namespace telltale::store
