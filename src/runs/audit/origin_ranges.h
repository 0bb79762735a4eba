// What the store has of each origin: read from the batches of a run, and of those just before it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "record/gap.h"
#include "runs/audit/audit.h"

namespace telltale::runs {

struct StoredRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  base::Hash128 hash;
  TimeSpan written;  // what is known of when
  record::Sequence sequence = 0;
  std::uint32_t lines = 0;
  std::uint32_t cut_bytes = 0;  // it is one line of which only so many bytes were taken; 0: whole lines
  bool cut_exact = true;        // else cut_bytes is the limit as it is set now
  bool timed = false;           // all of its lines say when they were written: equal bytes are the same lines
  bool of_run = false;          // it may have been written during the run; others only tell what is covered
  bool comparable = true;       // false: several lines of which the last was cut
};

struct StatedGap {
  record::Gap gap;
  record::Sequence sequence = 0;
  std::string text;
};

struct StoredOrigin {
  record::StreamRef stream;
  std::string service;
  record::Position newest;  // the newest that is known
  record::Sequence newest_sequence = 0;
  std::vector<StoredRange> ranges;  // by `from`, then sequence
  std::vector<StatedGap> gaps;      // by sequence
};

struct StoredOrigins {
  std::map<std::string, StoredOrigin> by_key;
  TimeSpan run;  // from its start to its end, or to now
  bool finished = false;
  bool truncated = false;  // by the limit of ranges, the time, or `stop`
};

// Nothing of an origin that was seen first then was stored before what is read for the run.
bool is_new_in(base::UnixNanos first_seen, const TimeSpan& run);

// `give_up`: asked now and then. run_not_found; errors of the store.
base::Result<StoredOrigins> read_stored_origins(const AuditPorts& ports, const std::string& run, const AuditOptions& options,
                                                const std::function<bool()>& give_up);

}  // namespace telltale::runs
