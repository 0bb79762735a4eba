// Runs the .logtest files of this folder: README.md says what they look like.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "logic_file.h"
#include "query/exec/query.h"
#include "query/testing/memory_reader.h"
#include "runs/attribution/attributor.h"
#include "runs/registry/encode.h"

namespace telltale::logic {
namespace {

using query::testing::BatchBuilder;
using query::testing::MemoryReader;
using ::testing::ElementsAreArray;

std::vector<std::string> logic_files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(LOGIC_FOLDER)) {
    if (entry.path().extension() == ".logtest") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// A gap is a batch of its own; other lines are put together, `batch_lines` at most.
void ingest(MemoryReader& reader, const Ingest& block, std::size_t batch_lines) {
  const record::StreamRef stream = record::make_stream(block.labels);
  std::vector<const IngestedLine*> waiting;
  const auto flush = [&] {
    BatchBuilder builder(stream);
    for (const IngestedLine* line : waiting) {
      builder.line(line->time, line->severity, line->text).event_time(line->time);
      if (!line->finding.empty()) builder.finding(line->finding);
    }
    if (!waiting.empty()) reader.add(builder.take());
    waiting.clear();
  };
  for (const IngestedLine& line : block.lines) {
    if (line.gap_reason.empty()) {
      waiting.push_back(&line);
      if (waiting.size() >= batch_lines) flush();
      continue;
    }
    flush();
    record::Gap gap;
    gap.reason = record::parse_gap_reason(line.gap_reason).value();
    reader.add(record::make_gap_batch(stream, gap, line.time));
  }
  flush();
}

runs::EventBody body_of(const RunStory& story, const RunStep& step) {
  switch (step.what) {
    case RunStep::What::test:
      return runs::TestStarted{step.test, step.node_id, "", 1, step.worker, step.test, ""};
    case RunStep::What::end:
      return runs::TestFinished{step.test, runs::TestOutcome::passed, 0, "", {}};
    case RunStep::What::finish:
      return runs::RunFinished{runs::RunOutcome::passed, 0};
    case RunStep::What::start:
      break;
  }
  runs::RunStarted started;
  started.name = story.run;
  for (const auto& [name, pattern] : story.services) started.services.push_back({name, {pattern}, {}, {}});
  return started;
}

// The events of a run are records as an engine keeps them.
void ingest(MemoryReader& reader, const RunStory& story) {
  const record::StreamRef stream = runs::lifecycle_stream(story.run);
  int number = 0;
  for (const RunStep& step : story.steps) {
    runs::Event event;
    event.id = std::to_string(++number);
    event.time = step.time;
    event.body = body_of(story, step);
    reader.add(runs::make_event_batch(stream, {&event}, step.time));
  }
}

query::QueryRequest request_of(const Ask& ask, const record::ComputedLabels& labels) {
  query::QueryRequest request;
  auto predicate = query::compile(ask.text, &labels);
  if (!predicate) throw std::runtime_error(predicate.error().message());
  request.predicate = *predicate;
  if (ask.from) request.from_time = *ask.from;
  if (ask.to) request.to_time = *ask.to;
  return request;
}

std::string shown(const record::RecordView& view) {
  const auto gap = record::read_gap(*view.batch, *view.record);
  return gap ? fmt::format("gap: {}", record::gap_reason_name(gap->reason)) : std::string(view.line());
}

// All pages of an answer, oldest first.
std::vector<std::string> all_pages(const MemoryReader& reader, query::QueryRequest request) {
  const base::testing::ManualClock clock;
  std::vector<std::string> out;
  do {
    const auto page = query::run(reader, clock, request);
    if (!page) throw std::runtime_error(page.error().message());
    EXPECT_LE(page->rows.size(), request.limit);
    for (const query::Row& row : page->rows) out.push_back(shown(row.view()));
    request.after = page->next;
  } while (request.after);
  if (request.newest_first) std::reverse(out.begin(), out.end());
  return out;
}

void check_query(const MemoryReader& reader, const Ask& ask, const record::ComputedLabels& labels) {
  for (const bool newest_first : {false, true}) {
    for (const std::size_t limit : {1u, 2u, 3u, 7u, 1000u}) {
      query::QueryRequest request = request_of(ask, labels);
      request.newest_first = newest_first;
      request.limit = limit;
      EXPECT_THAT(all_pages(reader, request), ElementsAreArray(ask.expected))
          << (newest_first ? "newest first" : "oldest first") << ", pages of " << limit;
    }
  }
}

void check_count(const MemoryReader& reader, const Ask& ask, const record::ComputedLabels& labels) {
  const base::testing::ManualClock clock;
  const auto counted = query::count(reader, clock, request_of(ask, labels));
  ASSERT_TRUE(counted.has_value());
  const std::string text = fmt::format("records {}, errors {}, gaps {}", counted->records, counted->errors, counted->gaps);
  EXPECT_THAT(std::vector{text}, ElementsAreArray(ask.expected));
}

void check_error(const Ask& ask) {
  const auto result = query::compile(ask.text, nullptr);
  ASSERT_FALSE(result.has_value());
  const std::string text = fmt::format("{}: {}", base::info_of(result.error().code).name, result.error().cause);
  EXPECT_THAT(std::vector{text}, ElementsAreArray(ask.expected));
}

class Logic : public ::testing::TestWithParam<std::string> {};

TEST_P(Logic, AnswersAreAsWritten) {
  const std::string path = std::string(LOGIC_FOLDER) + "/" + GetParam() + ".logtest";
  const LogicFile file = read_logic_file(path);
  ASSERT_FALSE(file.asks.empty());
  for (const std::size_t batch_lines : {1u, 2u, 1000u}) {
    MemoryReader reader;
    for (const Ingest& block : file.ingests) ingest(reader, block, batch_lines);
    for (const RunStory& story : file.runs) ingest(reader, story);
    const base::testing::ManualClock clock;
    const auto registry = runs::Registry::open({.clock = clock, .reader = reader}, {});
    ASSERT_TRUE(registry.has_value());
    const runs::Attributor attributor(**registry);
    for (const Ask& ask : file.asks) {
      SCOPED_TRACE(fmt::format("{}:{}: {} (batches of {})", path, ask.file_line, ask.text, batch_lines));
      if (ask.kind == AskKind::query) check_query(reader, ask, attributor);
      if (ask.kind == AskKind::count) check_count(reader, ask, attributor);
      if (ask.kind == AskKind::error) check_error(ask);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Logic, ::testing::ValuesIn(logic_files()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace telltale::logic
