// One origin of a run: is each byte of it stored once, and as the source has it?
#pragma once

#include <functional>
#include <vector>

#include "runs/audit/audit.h"
#include "runs/audit/origin_ranges.h"

namespace telltale::runs {

// Half-open spans of bytes [from, to).
struct ByteSpan {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t size() const { return to - from; }
};

struct OriginVerdict {
  AuditCounts counts;
  std::vector<AuditFinding> findings;  // without service, stream and tests
};

// What reading costs, over all origins.
struct ReadBudget {
  std::uint64_t left = UINT64_MAX;
  std::function<bool()> give_up;  // no time is left
  bool exhausted = false;         // something was left out
};

class OriginCheck {
 public:
  // `others`: further origins of the same stream. All outlive the check.
  OriginCheck(const AuditPorts& ports, const AuditOptions& options, const StoredOrigins& all, const StoredOrigin& origin,
              std::vector<const StoredOrigin*> others, ReadBudget& budget);
  OriginVerdict run();

 private:
  // Of ranges and gaps alone.
  void count();
  void sweep();
  void add_hole(const StoredRange* before, ByteSpan hole, const StoredRange* behind);
  void add_repetition(const StoredRange& again, ByteSpan twice);
  void state_gaps();
  bool must_begin_at_start() const;
  std::vector<ByteSpan> unstated(ByteSpan hole, const StoredRange* before, const StoredRange* behind) const;

  // With what the origin holds.
  void open();
  void compare();
  void compare(const StoredRange& range);
  std::optional<base::Hash128> hash_of(const StoredRange& range);
  void settle_uncertain();
  void check_end();
  void check_copies();
  std::uint64_t copied_bytes(const StoredOrigin& other, std::uint64_t& lines);
  bool is_stored(ByteSpan span) const;
  std::optional<std::uint64_t> count_lines(ByteSpan span, bool whole_only, std::uint64_t* last_end = nullptr);
  bool is_hole_of_nul(ByteSpan span);
  bool may_read(std::uint64_t bytes);
  bool read(std::uint64_t from, std::uint64_t size, std::string& out);
  AuditFinding& find(AuditKind kind, ByteSpan bytes, TimeSpan written, std::string detail);

  const AuditPorts& ports_;
  const AuditOptions& options_;
  const StoredOrigins& all_;
  const StoredOrigin& origin_;
  const std::vector<const StoredOrigin*> others_;
  ReadBudget& budget_;
  std::unique_ptr<sources::OriginBytes> bytes_;
  std::uint64_t end_ = 0;  // behind the last byte that is stored or stated
  std::size_t matches_ = 0;
  OriginVerdict verdict_;
};

}  // namespace telltale::runs
