// The form of .logtest files: see README.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/batch.h"

namespace telltale::logic {

struct IngestedLine {
  base::UnixNanos time = 0;
  record::Severity severity = record::Severity::unset;
  std::string finding;     // empty: none
  std::string gap_reason;  // not empty: a gap
  std::string text;
};

struct Ingest {
  record::Labels labels;
  std::vector<IngestedLine> lines;
};

// What happens in a run: its start, a test's start (node id, id, worker) and end, its end.
struct RunStep {
  enum class What : std::uint8_t { start, test, end, finish };
  base::UnixNanos time = 0;
  What what = What::start;
  std::string node_id;
  std::string test;
  std::string worker;
};

struct RunStory {
  std::string run;
  std::vector<std::pair<std::string, std::string>> services;  // names and patterns of files
  std::vector<RunStep> steps;
};

enum class AskKind : std::uint8_t { query, count, error };

struct Ask {
  AskKind kind = AskKind::query;
  std::size_t file_line = 0;
  std::string text;
  std::optional<base::UnixNanos> from;
  std::optional<base::UnixNanos> to;
  std::vector<std::string> expected;
};

struct LogicFile {
  std::vector<Ingest> ingests;
  std::vector<RunStory> runs;
  std::vector<Ask> asks;
};

// Throws std::runtime_error with file and line where the file is not of that form.
LogicFile read_logic_file(const std::string& path);

}  // namespace telltale::logic
