// The index of the segments: which streams there are, where they begin and end, how much they hold.
//
// Numbers are kept by part, a range of 2^18 sequences. When retention removes the oldest segments, the parts below are dropped and the one
// it cut through is counted again; so the index always says what a new one, made from the segments alone, would say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "record/gap.h"
#include "store/catalog/catalog.h"
#include "store/catalog/sqlite.h"
#include "store/engine/store.h"

namespace telltale::store {

inline constexpr unsigned part_bits = 18;

// What the index keeps of the records of one batch that lie in one part.
struct Digest {
  StreamRef stream;
  Sequence first_sequence = 0;
  Sequence last_sequence = 0;
  UnixNanos first_observed = 0;
  UnixNanos last_observed = 0;
  std::uint64_t records = 0;
  std::uint64_t errors = 0;
  std::uint64_t gaps = 0;

  std::uint64_t part() const { return first_sequence >> part_bits; }
  void merge(const Digest& other);
};

// Digests of the batch's records with sequences in [from, to]; one a part. No allocation.
void digest(const CommittedBatch& batch, Sequence from, Sequence to, const std::function<void(const Digest&)>& take);

// What records of the batch, gaps of the store itself, say that damage took.
std::vector<record::SequenceRange> losses_told_by(const CommittedBatch& batch);

// One thread at a time.
class StreamIndex {
 public:
  explicit StreamIndex(Database& database) : database_(database) {}

  // Reads how far the file is and takes back its last part, or the last two: after a power cut the segments may lack records that the index
  // has. An index of another store, or of one that went back, is emptied.
  base::Status load(const StoreStats& stats);
  // Records below are in the index, or noted.
  Sequence next_sequence() const { return next_; }

  // Notes a digest, or the batch's records from next_sequence() on; write() puts them into the file.
  void note(const Digest& digest);
  void note(const CommittedBatch& batch);
  // In one transaction. After an error everything is still noted.
  base::Status write();

  // Follows retention: `first` is the lowest sequence that the store keeps. Writes.
  base::Status forget_before(Sequence first, const StoreReader& reader);
  // Damage took records in this range, which the index has: its parts are counted again. Writes.
  base::Status recount(const record::SequenceRange& lost, const StoreReader& reader);
  // What the file holds.
  base::Result<std::vector<StreamSummary>> summaries();

 private:
  using PartStream = std::pair<std::uint64_t, record::StreamId>;
  using Noted = std::map<PartStream, Digest>;

  static void add(Noted& noted, const Digest& digest);
  static base::Result<Noted> count(Sequence from, Sequence to, const StoreReader& reader);
  base::Status clear(const StoreStats& stats);
  base::Status take_back_the_end();
  base::Status write_parts(const Noted& noted);
  base::Result<std::int64_t> stream_row(const record::Stream& stream);
  base::Result<std::int64_t> insert_stream(const record::Stream& stream);
  base::Status set_state(std::string_view key, std::int64_t value);
  base::Result<std::int64_t> state(std::string_view key);
  base::Status drop_parts(Sequence first);
  base::Result<std::map<std::int64_t, record::Labels>> all_labels();

  Database& database_;
  Noted noted_;
  Sequence next_ = 0;
  Sequence written_next_ = 0;
  Sequence kept_from_ = 0;
  std::unordered_map<record::StreamId, std::int64_t, base::Hash128Hasher> rows_;  // rows of streams that are surely in the file
};

}  // namespace telltale::store
