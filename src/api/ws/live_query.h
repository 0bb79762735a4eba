// What a subscriber asked for, and records encoded for it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/exec/query.h"

namespace telltale::api {

using record::CommittedBatchRef;
using record::Sequence;

struct LiveQuery {
  std::string text;               // equal texts share their encoding
  query::PredicateRef predicate;  // shared: the subscribers of equal queries
};

// Nothing is everything. `labels`: as for query::compile.
base::Result<LiveQuery> compile_live_query(std::string_view text, const record::ComputedLabels* labels);

// The sequence that `text`, a cursor or a decimal sequence, names; cursor_invalid when it is beyond what the store has given out.
base::Result<Sequence> resume_point(const store::StoreReader& store, std::string_view text);

// WebSocket text frames, one a record: shared by all connections that are sent them.
using SharedFrames = std::shared_ptr<const std::string>;

struct EncodedFrames {
  SharedFrames frames;  // null: nothing matched
  std::uint64_t records = 0;
};

// Encodes records that match and lie within (after, to]. Not thread-safe; reuses its memory.
class FrameEncoder {
 public:
  void add(const CommittedBatchRef& batch, const record::RecordPredicate& predicate, Sequence after, Sequence to);
  void add(const record::RecordView& view);
  std::size_t bytes() const { return out_.size(); }
  // What was added since the last take().
  EncodedFrames take();

 private:
  std::string out_;
  std::string entry_;
  std::vector<std::uint32_t> selected_;
  std::uint64_t records_ = 0;
};

}  // namespace telltale::api
