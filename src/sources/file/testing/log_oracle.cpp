#include "sources/file/testing/log_oracle.h"

#include <fmt/format.h>

namespace telltale::sources::testing {
namespace {

std::string shown(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 60)) {
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

}  // namespace

LogOracle::Body LogOracle::begin(std::string name, std::uint64_t hole) {
  Known body;
  body.names.insert(std::move(name));
  body.bytes.assign(hole, '\0');
  body.hole = hole;
  bodies_.push_back(std::move(body));
  return bodies_.size() - 1;
}

void LogOracle::looked(Body number, bool held) {
  Known& body = bodies_[number];
  body.seen = body.bytes.size();
  body.held = held;
}

void LogOracle::unseen(Body number) {
  Known& body = bodies_[number];
  body.may_miss.add(0, body.bytes.size());
}

void LogOracle::found(Body number, std::uint64_t kept, const MemoryStore& store) {
  Known& body = bodies_[number];
  body.kept = kept;
  if (body.held || kept >= body.bytes.size()) return;
  std::string problem;
  // Of a deleted file that the reader may have open or not, nothing is certain.
  lose(body, arrived(lines_of(store, true), problem)[number], body.truncated);
}

void LogOracle::ended(const MemoryStore& store) {
  std::string problem;
  const auto committed = arrived(lines_of(store, false), problem);
  for (Body i = 0; i < bodies_.size(); ++i) {
    bodies_[i].held = false;
    bodies_[i].seen = 0;
    bodies_[i].must_state = {};
    lose(bodies_[i], committed[i], false);
  }
}

// What had arrived was known to be the body's, so a truncation is noticed; where nothing had, another file may stand there unnoticed.
void LogOracle::lose(Known& body, const ByteRanges& arrived, bool stated) {
  if (body.kept >= body.bytes.size()) return;
  const std::uint64_t from = std::max(body.kept, body.hole);
  body.may_miss.add(arrived.missing_in(from, body.bytes.size()));
  if (stated && !arrived.empty()) body.must_state.add(arrived.missing_in(std::max(from, arrived.end()), std::max(from, body.seen)));
}

LogOracle::Lines LogOracle::lines_of(const MemoryStore& store, bool also_pushed) {
  Lines lines;
  for (const auto& line : store.lines) lines.push_back(&line);
  if (!also_pushed) return lines;
  for (const auto* line : store.pushed_lines()) lines.push_back(line);
  return lines;
}

bool LogOracle::fits(const Known& body, const MemoryStore::Line& line) const {
  if (!body.names.contains(line.stream) || line.to > body.bytes.size() || line.from > line.to) return false;
  if (body.bytes.compare(line.from, line.text.size(), line.text) != 0) return false;
  if (line.truncated) return true;
  const std::string_view behind = std::string_view(body.bytes).substr(line.from + line.text.size(), line.to - line.from - line.text.size());
  return line.unterminated ? behind.empty() : behind == "\n";
}

std::vector<ByteRanges> LogOracle::arrived(const Lines& lines, std::string& problem) {
  std::map<std::string, Lines> by_key;
  for (const auto* line : lines) by_key[line->key].push_back(line);
  std::vector<ByteRanges> arrived(bodies_.size());
  for (const auto& [key, own] : by_key) {
    Body found = bodies_.size();
    for (Body i = 0; i < bodies_.size(); ++i)
      if (std::ranges::all_of(own, [&](const auto* line) { return fits(bodies_[i], *line); })) found = i;
    if (found == bodies_.size()) {
      problem += fmt::format("origin {}: its {} lines were never written to one file; the first is [{}, {}) '{}' of {}\n", key, own.size(),
                             own[0]->from, own[0]->to, shown(own[0]->text), own[0]->stream);
      continue;
    }
    by_key_[key] = found;
    for (const auto* line : own)
      if (!arrived[found].add(line->from, line->to))
        problem += fmt::format("body {} of {}: came twice: [{}, {}) '{}', from {}\n", found, *bodies_[found].names.begin(), line->from,
                               line->to, shown(line->text).substr(0, 12), key.substr(0, 12));
  }
  return arrived;
}

bool LogOracle::is_in_a_gap(const Known& body, const ByteRanges& bytes, const MemoryStore& store) const {
  ByteRanges gaps;
  for (const auto& seen : store.gaps)
    if (body.names.contains(seen.stream)) gaps.add(seen.gap.range->from, seen.gap.range->to);
  return bytes.without(gaps).empty();
}

std::string LogOracle::check_stated(const MemoryStore& store) {
  std::string problem;
  const auto here = arrived(lines_of(store, false), problem);
  for (Body i = 0; i < bodies_.size(); ++i) {
    Known& body = bodies_[i];
    const ByteRanges due = body.must_state.without(here[i]);
    body.must_state = {};
    if (due.empty()) continue;
    ++stated_;
    if (!is_in_a_gap(body, due, store))
      problem += fmt::format("body {} of {}: {}were lost, and no gap says so\n", i, *body.names.begin(), due.text());
  }
  return problem + check_gaps(store, here);
}

std::string LogOracle::check_gaps(const MemoryStore& store, const std::vector<ByteRanges>& arrived) const {
  std::string problem;
  for (const auto& seen : store.gaps) {
    const auto [from, to] = std::pair(seen.gap.range->from, seen.gap.range->to);
    const auto known = by_key_.find(seen.key);
    bool explained = false;
    for (Body i = 0; i < bodies_.size() && !explained; ++i) {
      if (known != by_key_.end() ? known->second != i : !bodies_[i].names.contains(seen.stream)) continue;
      explained = from < to && to <= bodies_[i].bytes.size() && !arrived[i].meets(from, to);
    }
    if (!explained)
      problem += fmt::format("a gap {} of [{}, {}) of {} (body {}) without that loss\n", record::gap_reason_name(seen.gap.reason), from, to,
                             seen.stream, known != by_key_.end() ? std::to_string(known->second) : "unknown");
  }
  return problem;
}

std::string LogOracle::check_missing(Body number, const ByteRanges& arrived, bool waits) {
  const Known& body = bodies_[number];
  std::uint64_t end = body.bytes.size();
  if (waits) end = body.bytes.rfind('\n') == std::string::npos ? body.hole : std::max(body.hole, body.bytes.rfind('\n') + 1);
  const ByteRanges missing = arrived.missing_in(body.hole, end);
  if (!missing.empty()) ++lost_;
  const ByteRanges unexcused = missing.without(body.may_miss);
  if (unexcused.empty()) return {};
  return fmt::format("body {} of {} ({} bytes, hole {}): {}did not arrive and could be read all the time\n", number, *body.names.begin(),
                     body.bytes.size(), body.hole, unexcused.text());
}

std::string LogOracle::verdict(const MemoryStore& store, const std::set<Body>& waiting) {
  std::string problem = check_stated(store);
  std::string said;
  const auto here = arrived(lines_of(store, false), said);
  for (Body i = 0; i < bodies_.size(); ++i) problem += check_missing(i, here[i], waiting.contains(i));
  return problem;
}

}  // namespace telltale::sources::testing
