// Which tests runs had, by their ids and names: what can be said of a run that is not in memory without reading its events.
//
// A node id is kept once however many runs had it; a run costs 12 bytes a test. Bounded: beyond max_bytes, and of runs with more than
// max_tests, nothing is kept, and they are to be read. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runs/registry/run_ledger.h"

namespace telltale::runs {

class TestNames {
 public:
  static constexpr std::size_t default_max_bytes = 32 * 1024 * 1024;
  static constexpr std::size_t max_tests = 200'000;

  explicit TestNames(std::size_t max_bytes = default_max_bytes) : max_bytes_(max_bytes) {}

  // All tests of a run; what was known of it before is forgotten.
  void set(const RunLedger& ledger);
  // One after the other, then complete(): the run is not known before.
  void add(std::string_view run, std::string_view test_id, std::string_view node_id, std::string_view name);
  void complete(std::string_view run);
  // Forgets the runs that `keep` says no to.
  void keep_only(const std::function<bool(const std::string& run)>& keep);

  bool knows(std::string_view run) const;
  // There were too many tests for it to be known: its events are to be read each time.
  bool is_too_large(std::string_view run) const;

  // What a text means: a test id, or node ids and names.
  struct Meaning {
    std::uint64_t test = 0;
    std::vector<std::uint32_t> names;  // ascending
  };
  // Names that are the node id.
  Meaning exactly(std::string_view id_or_node_id) const;
  // Names that hold the text.
  Meaning holding(std::string_view text) const;
  // Of a run that is known.
  bool has(std::string_view run, const Meaning& meaning) const;
  std::size_t bytes() const { return bytes_; }

 private:
  struct Tests {
    std::vector<std::uint64_t> ids;    // hashes; ascending when complete
    std::vector<std::uint32_t> names;  // ascending and unique when complete
    bool is_complete = false;
    bool too_many = false;
  };
  struct Name {
    std::string_view node_id;
    std::string_view name;
  };
  std::uint32_t number_of(std::string_view node_id, std::string_view name);
  void drop(Tests& tests);
  void forget_all();

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::string, Tests, std::less<>> runs_;
  std::unordered_map<std::string, std::uint32_t> numbers_;  // node id, a zero byte, name
  std::vector<Name> names_;                                 // views into the keys of numbers_
};

}  // namespace telltale::runs
