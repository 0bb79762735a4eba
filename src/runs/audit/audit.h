// Whether what a run's sources wrote is stored, once and as it was: ranges of source bytes that the store has, against each other, against
// the gaps that are stated, and against what the origins still hold (docs/reference/audit.md). Only hashes of bytes are compared; no text
// of a log is in the answer.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "record/stream.h"
#include "runs/registry/registry.h"
#include "sources/origin_reader.h"
#include "store/engine/store.h"

namespace telltale::runs {

enum class AuditKind : std::uint8_t {
  loss,        // bytes of the source that no stored range covers and no gap states
  repetition,  // bytes that are stored twice
  changed,     // the source's bytes are not those that were stored
  gap,         // a stated loss
  gone,        // nothing holds the bytes any more: they could not be compared
  unread,      // they are there and could not be compared
};
std::string_view name_of(AuditKind kind);

struct AuditFinding {
  AuditKind kind = AuditKind::loss;
  std::string service;  // the run's name for the stream
  record::StreamRef stream;
  std::uint64_t from = 0;  // bytes of the source; both 0: not known
  std::uint64_t to = 0;
  std::optional<std::uint64_t> lines;  // as far as it can be counted
  TimeSpan written;                    // when these bytes may have been written
  std::vector<TestKeyRef> tests;       // that may have been running then, at most AuditOptions::max_tests
  std::uint64_t more_tests = 0;
  std::string detail;  // for people; of a gap its text
};

struct AuditCounts {
  std::uint64_t lines = 0;   // source lines that are stored
  std::uint64_t bytes = 0;   // source bytes that they stand for
  std::uint64_t ranges = 0;  // in which they are stored
  std::uint64_t compared_bytes = 0;
  std::uint64_t lost_bytes = 0;
  std::uint64_t lost_lines = 0;  // those that could be counted
  std::uint64_t repeated_bytes = 0;
  std::uint64_t repeated_lines = 0;
  std::uint64_t changed_bytes = 0;
  std::uint64_t gaps = 0;
  std::uint64_t gap_lines = 0;        // as their records estimate
  std::uint64_t gone_bytes = 0;       // not to be compared: the source has them no more
  std::uint64_t not_again_bytes = 0;  // not to be compared: a pipe cannot be read again
  std::uint64_t unread_bytes = 0;     // not compared: no time, or they could not be read
  std::uint64_t later_bytes = 0;      // in the source behind all that is stored, written after the run's end for all that is known

  void add(const AuditCounts& other);
  bool is_clean() const { return lost_bytes == 0 && repeated_bytes == 0 && changed_bytes == 0; }
};

struct StreamAudit {
  std::string service;
  record::StreamRef stream;
  std::uint64_t origins = 0;
  AuditCounts counts;
};

enum class AuditVerdict : std::uint8_t {
  clean,       // all that is there was compared, and is stored once and as it was; gaps may be stated
  incomplete,  // nothing wrong was found, and not all was looked at
  broken,      // something is lost, repeated or changed
};
std::string_view name_of(AuditVerdict verdict);

struct AuditReport {
  std::string run;
  bool finished = false;             // the run is over; else this is how it stands now
  std::vector<StreamAudit> streams;  // by service and labels
  AuditCounts total;
  std::vector<AuditFinding> findings;  // worst first, at most AuditOptions::max_findings
  std::uint64_t more_findings = 0;
  std::vector<std::string> notes;  // what was not looked at, and why; one sentence each
  std::int64_t elapsed_ns = 0;
  AuditVerdict verdict() const;
};

struct AuditOptions {
  std::int64_t timeout_ns = 60 * base::nanos_per_second;
  std::uint64_t max_read_bytes = 0;        // of the sources; 0: all
  std::size_t max_ranges = 1'000'000;      // held in memory: about 100 bytes each
  std::size_t max_range_bytes = 64 << 20;  // read at once; larger ranges are not compared
  std::uint64_t max_line_bytes = 1 << 20;  // pipeline.max_line_bytes: where lines were cut
  std::size_t max_findings = 1000;
  std::size_t max_tests = 20;
};

// All outlive the call.
struct AuditPorts {
  const base::Clock& clock;
  const Registry& registry;
  const store::StoreReader& reader;
  const sources::OriginReader& origins;
  const base::KeyedHasher& hasher;  // the store's
};

// On the caller's thread, which may block. What the limits or `stop` leave out is said in the report's notes. run_not_found; errors of
// the store.
base::Result<AuditReport> audit(const AuditPorts& ports, const std::string& run, const AuditOptions& options, const std::stop_token& stop);

}  // namespace telltale::runs
