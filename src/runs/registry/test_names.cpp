#include "runs/registry/test_names.h"

#include <algorithm>

#include "base/hash.h"

namespace telltale::runs {

namespace {

constexpr std::size_t bytes_of_test = sizeof(std::uint64_t) + sizeof(std::uint32_t);
constexpr std::size_t bytes_of_name = 100;  // with its place in the index

}  // namespace

void TestNames::set(const RunLedger& ledger) {
  if (const auto found = runs_.find(ledger.id()); found != runs_.end()) {
    drop(found->second);
    runs_.erase(found);
  }
  for (std::uint32_t number = 0; number < ledger.test_count() && number <= max_tests; ++number) {
    const TestKey& key = *ledger.test(number).key;
    add(ledger.id(), key.id, key.node_id, key.name);
  }
  complete(ledger.id());
}

void TestNames::add(std::string_view run, std::string_view test_id, std::string_view node_id, std::string_view name) {
  Tests& tests = runs_.try_emplace(std::string(run)).first->second;
  if (tests.too_many) return;
  if (tests.ids.size() >= max_tests || bytes_ >= max_bytes_) {
    drop(tests);
    tests.too_many = true;
    return;
  }
  tests.is_complete = false;
  tests.ids.push_back(base::hash64(test_id));
  tests.names.push_back(number_of(node_id, name));
  bytes_ += bytes_of_test;
}

std::uint32_t TestNames::number_of(std::string_view node_id, std::string_view name) {
  std::string key;
  key.reserve(node_id.size() + 1 + name.size());
  key.append(node_id).append(1, '\0').append(name);
  const auto [place, is_new] = numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(names_.size()));
  if (is_new) {
    const std::string_view kept = place->first;
    names_.push_back({kept.substr(0, node_id.size()), kept.substr(node_id.size() + 1)});
    bytes_ += bytes_of_name + kept.size();
  }
  return place->second;
}

void TestNames::complete(std::string_view run) {
  Tests& tests = runs_.try_emplace(std::string(run)).first->second;
  std::ranges::sort(tests.ids);
  std::ranges::sort(tests.names);
  tests.names.erase(std::ranges::unique(tests.names).begin(), tests.names.end());
  tests.is_complete = true;
}

void TestNames::drop(Tests& tests) {
  bytes_ -= std::min(bytes_, tests.ids.size() * bytes_of_test);
  std::vector<std::uint64_t>().swap(tests.ids);
  std::vector<std::uint32_t>().swap(tests.names);
}

// Names that nobody has any more are kept until there is no room for others.
void TestNames::keep_only(const std::function<bool(const std::string& run)>& keep) {
  const std::size_t before = runs_.size();
  for (auto run = runs_.begin(); run != runs_.end();) {
    const auto next = std::next(run);
    if (!keep(run->first)) {
      drop(run->second);
      runs_.erase(run);
    }
    run = next;
  }
  if (runs_.size() < before && (runs_.empty() || bytes_ >= max_bytes_)) forget_all();
}

void TestNames::forget_all() {
  runs_.clear();
  numbers_.clear();
  names_.clear();
  bytes_ = 0;
}

bool TestNames::knows(std::string_view run) const {
  const auto found = runs_.find(run);
  return found != runs_.end() && found->second.is_complete && !found->second.too_many;
}

bool TestNames::is_too_large(std::string_view run) const {
  const auto found = runs_.find(run);
  return found != runs_.end() && found->second.too_many;
}

TestNames::Meaning TestNames::exactly(std::string_view id_or_node_id) const {
  Meaning meaning{base::hash64(id_or_node_id), {}};
  for (std::uint32_t number = 0; number < names_.size(); ++number) {
    if (names_[number].node_id == id_or_node_id) meaning.names.push_back(number);
  }
  return meaning;
}

TestNames::Meaning TestNames::holding(std::string_view text) const {
  Meaning meaning{base::hash64(text), {}};
  for (std::uint32_t number = 0; number < names_.size(); ++number) {
    if (names_[number].node_id.contains(text) || names_[number].name.contains(text)) meaning.names.push_back(number);
  }
  return meaning;
}

bool TestNames::has(std::string_view run, const Meaning& meaning) const {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return false;
  const Tests& tests = found->second;
  if (std::ranges::binary_search(tests.ids, meaning.test)) return true;
  auto mine = tests.names.begin();
  for (const std::uint32_t name : meaning.names) {
    mine = std::lower_bound(mine, tests.names.end(), name);
    if (mine == tests.names.end()) return false;
    if (*mine == name) return true;
  }
  return false;
}

}  // namespace telltale::runs
