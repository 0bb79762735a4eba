#include "query/exec/query.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "query/exec/compact.h"
#include "query/lang/parser.h"
#include "query/plan/compiled_query.h"

namespace telltale::query {
namespace {

using record::CommittedBatch;
using store::ScanStep;

// What both kinds of running share: which streams to decode, the deadline, which records of a batch match.
class Scanner {
 public:
  Scanner(const base::Clock& clock, const QueryRequest& request) : clock_(clock), request_(request), started_(clock.mono()) {}

  base::Status scan(const store::StoreReader& reader, const store::ScanRange& range, const store::BatchVisitor& visitor) {
    from_sequence_ = range.from_sequence;
    to_sequence_ = range.to_sequence;
    auto status = reader.scan(
        range, [this](const record::Stream& stream) { return wants(stream); },
        [&](const CommittedBatchRef& batch) { return expired() ? ScanStep::stop : visitor(batch); });
    if (!status) return status;
    if (!expired_) return {};
    return base::fail(base::ErrorCode::query_timeout,
                      fmt::format("the query did not end within {}", base::format_duration(request_.timeout_ns)));
  }

  // Indices of the records in range that match, ascending; valid until the next call.
  const std::vector<std::uint32_t>& select(const CommittedBatch& batch) {
    selected_.clear();
    request_.predicate->select(batch, selected_);
    std::erase_if(selected_, [&](std::uint32_t index) { return !in_range(batch, index); });
    return selected_;
  }

 private:
  bool in_range(const CommittedBatch& batch, std::uint32_t index) const {
    const record::Sequence sequence = batch.first_sequence + index;
    const base::UnixNanos time = batch.batch.records[index].index_time();
    return sequence >= from_sequence_ && sequence <= to_sequence_ && time >= request_.from_time && time <= request_.to_time;
  }

  bool expired() {
    expired_ = expired_ || clock_.mono() - started_ > request_.timeout_ns;
    return expired_;
  }

  // Asked before each batch is decoded: each stream is judged once.
  bool wants(const record::Stream& stream) {
    if (expired()) return false;
    const auto [entry, is_new] = wanted_.try_emplace(stream.id, false);
    if (is_new) entry->second = request_.predicate->may_match(stream);
    return entry->second;
  }

  const base::Clock& clock_;
  const QueryRequest& request_;
  const base::MonoNanos started_;
  record::Sequence from_sequence_ = 0;
  record::Sequence to_sequence_ = 0;
  bool expired_ = false;
  std::unordered_map<record::StreamId, bool, base::Hash128Hasher> wanted_;
  std::vector<std::uint32_t> selected_;
};

// Nothing: no record can match.
std::optional<store::ScanRange> range_of(const QueryRequest& request) {
  const auto bounds = request.predicate->time_bounds();
  if (!bounds) return std::nullopt;
  store::ScanRange range;
  range.from_time = std::max(request.from_time, bounds->from);
  range.to_time = std::min(request.to_time, bounds->to);
  // The bounds are of times at which records were written: a late one may have any index time.
  range.by_writing = *bounds != record::TimeBounds{};
  range.newest_first = request.newest_first;
  if (range.from_time > range.to_time) return std::nullopt;
  if (!request.after) return range;
  const bool nothing_left = request.newest_first ? *request.after == 0 : *request.after == ~record::Sequence{0};
  if (nothing_left) return std::nullopt;
  if (request.newest_first) {
    range.to_sequence = *request.after - 1;
  } else {
    range.from_sequence = *request.after + 1;
  }
  return range;
}

// Collects one page of rows.
class Page {
 public:
  explicit Page(const QueryRequest& request) : request_(request) {}

  ScanStep add(const CommittedBatchRef& batch, const std::vector<std::uint32_t>& indices) {
    answer_.scanned_records += batch->batch.records.size();
    answer_.scanned_bytes += batch->batch.text.size();
    const std::size_t first_row = answer_.rows.size();
    std::size_t taken_bytes = 0;
    bool full = false;
    for (std::size_t i = 0; i < indices.size() && !full; ++i) {
      const std::uint32_t index = indices[request_.newest_first ? indices.size() - 1 - i : i];
      const std::size_t line_bytes = batch->batch.records[index].line.size;
      full = answer_.rows.size() >= request_.limit || (!answer_.rows.empty() && bytes_ + line_bytes > request_.max_bytes);
      if (full) break;
      answer_.rows.push_back({batch, index});
      bytes_ += line_bytes;
      taken_bytes += line_bytes;
    }
    detach_sparse_rows(*batch, first_row, taken_bytes);
    full = full || answer_.rows.size() >= request_.limit;
    if (full && !answer_.rows.empty()) answer_.next = answer_.rows.back().view().sequence;
    return full ? ScanStep::stop : ScanStep::go_on;
  }

  QueryAnswer take() { return std::move(answer_); }

 private:
  // A few rows of a large batch would keep all of it in memory as long as the answer lives.
  void detach_sparse_rows(const CommittedBatch& batch, std::size_t first_row, std::size_t taken_bytes) {
    constexpr std::size_t worth_keeping = 4;
    if (taken_bytes * worth_keeping >= batch.batch.text.size()) return;
    for (std::size_t i = first_row; i < answer_.rows.size(); ++i) {
      answer_.rows[i] = {copy_record(batch, answer_.rows[i].index), 0};
    }
  }

  const QueryRequest& request_;
  QueryAnswer answer_;
  std::size_t bytes_ = 0;
};

}  // namespace

base::Result<PredicateRef> compile(std::string_view text, const record::ComputedLabels* labels) {
  auto query = parse(text);
  if (!query) return base::pass(query);
  auto compiled = CompiledQuery::make(*query, text, labels);
  if (!compiled) return base::pass(compiled);
  return PredicateRef(std::move(*compiled));
}

base::Result<QueryAnswer> run(const store::StoreReader& reader, const base::Clock& clock, const QueryRequest& request) {
  const auto range = range_of(request);
  if (!range || request.limit == 0) return QueryAnswer{};
  Page page(request);
  Scanner scanner(clock, request);
  auto status = scanner.scan(reader, *range, [&](const CommittedBatchRef& batch) { return page.add(batch, scanner.select(*batch)); });
  if (!status) return base::pass(status);
  return page.take();
}

base::Result<CountAnswer> count(const store::StoreReader& reader, const base::Clock& clock, const QueryRequest& request) {
  CountAnswer answer;
  QueryRequest whole = request;
  whole.after.reset();
  const auto range = range_of(whole);
  if (!range) return answer;
  Scanner scanner(clock, request);
  auto status = scanner.scan(reader, *range, [&](const CommittedBatchRef& batch) {
    for (const std::uint32_t index : scanner.select(*batch)) {
      const record::Record& record = batch->batch.records[index];
      const bool gap = record.has(record::flag_gap);
      answer.gaps += gap ? 1 : 0;
      answer.records += gap ? 0 : 1;
      answer.errors += !gap && record.is_error() ? 1 : 0;
    }
    return ScanStep::go_on;
  });
  if (!status) return base::pass(status);
  return answer;
}

}  // namespace telltale::query
