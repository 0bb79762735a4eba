// Queries from text to answers: what the API and the command line call. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "record/ports.h"
#include "store/engine/store.h"

namespace telltale::query {

using base::UnixNanos;
using record::CommittedBatchRef;
using record::Sequence;

// A compiled query is a predicate: {service="api",severity>="warn"} |= "x" != "y" |~ "re" !~ "re". Immutable, shared by threads.
using PredicateRef = std::shared_ptr<const record::RecordPredicate>;  // shared: a live subscription and the scan that fills it

// query_syntax (cause names the column and what was expected there), query_regex, query_unsupported. `labels` knows the labels run, test,
// worker and test_candidate and outlives the predicate; null: queries for them are query_unsupported.
base::Result<PredicateRef> compile(std::string_view text, const record::ComputedLabels* labels);

struct QueryRequest {
  PredicateRef predicate;
  UnixNanos from_time = INT64_MIN;  // index time, inclusive
  UnixNanos to_time = INT64_MAX;
  std::optional<Sequence> after;  // paging: newest_first: sequences below it, else above it
  std::size_t limit = 100;
  bool newest_first = true;
  std::size_t max_bytes = 16 * 1024 * 1024;  // of lines in the answer; at least one record is given
  std::int64_t timeout_ns = 30'000'000'000;
};

struct Row {
  CommittedBatchRef batch;
  std::uint32_t index = 0;
  record::RecordView view() const { return {&batch->batch, &batch->batch.records[index], batch->first_sequence + index}; }
};

struct QueryAnswer {
  std::vector<Row> rows;         // in the asked direction, by sequence
  std::optional<Sequence> next;  // give it as `after` for the next page (which may be empty); none: that was all
  std::uint64_t scanned_records = 0;
  std::uint64_t scanned_bytes = 0;
};

// On the caller's thread. Looks only where the predicate's time bounds allow a match. Gap records of streams that match are always among
// the rows: they say what is missing. Rows keep what they show alive, not more than a few times the bytes of their lines. query_timeout;
// errors of the store.
base::Result<QueryAnswer> run(const store::StoreReader& reader, const base::Clock& clock, const QueryRequest& request);

struct CountAnswer {
  std::uint64_t records = 0;  // without gaps
  std::uint64_t errors = 0;   // error records among them
  std::uint64_t gaps = 0;
};
// Counts what matches; limit and after are not used.
base::Result<CountAnswer> count(const store::StoreReader& reader, const base::Clock& clock, const QueryRequest& request);

}  // namespace telltale::query
