// What a store promised, and whether it kept it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "record/ports.h"
#include "store/engine/testing/test_store.h"

namespace telltale::testing {

// The lines of this service are events of runs.
inline constexpr const char* events_service = "run";

// Lines of a few streams, numbered from 1 in each. A stream's position is the number of the next line.
class StoreOracle final : public record::CommitListener {
 public:
  // Pushes lines [next, next + count) of the stream, as a source would that is at `next`.
  void push(store::testing::TestStore& store, const std::string& service, std::size_t count, std::size_t padding = 0);
  // Everything pushed so far was answered as durable.
  void acknowledge() { acknowledged_ = next_; }
  // Sources begin again at the positions of a store that was opened anew.
  void restart_from(store::testing::TestStore& store);

  // Retention may have removed the oldest lines of each stream.
  void allow_removed_front() { front_may_miss_ = true; }
  // Lines that damage may have taken: then a gap must be there if one is missing.
  void allow_lost(const std::string& service, std::uint64_t line) { may_miss_[service].insert(line); }

  // Compares what is in the store with what was promised, then goes on where its positions say and compares again. `store` is open.
  std::vector<std::string> check(store::testing::TestStore& store);

  void on_commit(const record::CommittedBatchRef& batch) override;

 private:
  struct Found {
    std::map<std::string, std::vector<std::uint64_t>> numbers;
    std::size_t gaps = 0;
    store::Sequence last_sequence = 0;
  };
  Found look(store::testing::TestStore& store);
  void check_events(store::testing::TestStore& store, Found& found);
  void note(const record::CommittedBatchRef& batch, Found& found);
  void check_stream(const std::string& service, const std::vector<std::uint64_t>& numbers, std::uint64_t position, const Found& found);
  void check_all(store::testing::TestStore& store, const Found& found);
  void fail(std::string text) { failures_.push_back(std::move(text)); }

  std::map<std::string, std::uint64_t> next_;          // the next line to be pushed
  std::map<std::string, std::uint64_t> acknowledged_;  // the first line that was not acknowledged
  std::map<std::string, std::size_t> padding_;
  std::map<store::Sequence, std::string> published_;
  std::map<std::string, std::set<std::uint64_t>> may_miss_;
  bool front_may_miss_ = false;
  std::vector<std::string> failures_;
};

}  // namespace telltale::testing
