// For tests: knows every byte that programs wrote, when it could be read and when no longer, and judges what arrived.
//
// A *body* is what was written to one file from its beginning on; a truncation begins another one. The law: each byte of a body once; a
// byte may be missing only where nothing held it any more before it was read (bounded below by the model); what the reader is sure to have
// known of such bytes lies in a gap record; a gap record holds nothing but missing bytes that were written (bounded above by the writes).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sources/file/testing/byte_ranges.h"
#include "sources/file/testing/tail_harness.h"

namespace telltale::sources::testing {

class LogOracle {
 public:
  using Body = std::size_t;
  static constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

  // A file that programs know as `name` (a path). `hole`: so many NUL bytes that nobody wrote stand before what is written.
  Body begin(std::string name, std::uint64_t hole = 0);
  void write(Body body, std::string_view bytes) { bodies_[body].bytes += bytes; }
  // It is known as this too: lines of it may arrive under this name.
  void named(Body body, std::string name) { bodies_[body].names.insert(std::move(name)); }
  const std::string& bytes(Body body) const { return bodies_[body].bytes; }

  // The reader looked, and this was where it looks. `held`: it has the file open from now on.
  void looked(Body body, bool held);
  // From now on its first `kept` bytes can be found by names; `all`: the file itself stands somewhere where the reader finds it. What is
  // beyond is gone, unless the reader holds the file open.
  void found(Body body, std::uint64_t kept, const MemoryStore& store);
  // The reader's open file does not hold it any more: truncated.
  void taken_away(Body body) {
    bodies_[body].held = false;
    bodies_[body].truncated = true;
  }
  // It never was where the reader looks: what becomes of it is nobody's loss.
  void unseen(Body body);
  // The reader was killed or stopped: its open files are closed, and what it knew is what is committed.
  void ended(const MemoryStore& store);

  // What the reader had to state by now, all being committed. Empty: the law holds so far.
  std::string check_stated(const MemoryStore& store);
  // At the end. `waiting`: bodies whose last line may wait for its end.
  std::string verdict(const MemoryStore& store, const std::set<Body>& waiting);
  // Bytes that were lost and had to be stated; so that a test can say that it tried something.
  std::uint64_t stated() const { return stated_; }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Known {
    std::set<std::string> names;
    std::string bytes;
    std::uint64_t hole = 0;
    std::uint64_t seen = 0;    // of its bytes, known to the reader that runs now
    std::uint64_t kept = all;  // found by names
    bool held = false;
    bool truncated = false;
    ByteRanges may_miss;
    ByteRanges must_state;
  };
  using Lines = std::vector<const MemoryStore::Line*>;

  bool fits(const Known& body, const MemoryStore::Line& line) const;
  // What arrived of each body; `problem` names what was never written or came twice.
  std::vector<ByteRanges> arrived(const Lines& lines, std::string& problem);
  static Lines lines_of(const MemoryStore& store, bool also_pushed);
  void lose(Known& body, const ByteRanges& arrived, bool stated);
  std::string check_gaps(const MemoryStore& store, const std::vector<ByteRanges>& arrived) const;
  std::string check_missing(Body number, const ByteRanges& arrived, bool waits);
  bool is_in_a_gap(const Known& body, const ByteRanges& bytes, const MemoryStore& store) const;

  std::vector<Known> bodies_;
  std::map<std::string, Body> by_key_;
  std::uint64_t stated_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace telltale::sources::testing
