#include "api/wire/run_json.h"

#include "base/text.h"

namespace telltale::api {

namespace {

using runs::EndReason;
using runs::TestOutcome;

// null for the value that stands for "not yet" or "nobody".
template <class Word>
void word_or_null(JsonObject& object, std::string_view name, Word word) {
  object.text_or_null(name, word == Word::none ? std::string_view() : runs::name_of(word));
}

void append_counts(std::string& out, const runs::TestCounts& counts) {
  JsonObject object(out);
  object.number("total", counts.total);
  object.number("running", counts.running);
  JsonObject by_outcome(object.key("by_outcome"));
  for (std::size_t i = 1; i < counts.by_outcome.size(); ++i) {
    by_outcome.number(runs::name_of(static_cast<TestOutcome>(i)), counts.by_outcome[i]);
  }
  by_outcome.end();
  object.end();
}

void append_worker(std::string& out, const runs::Worker& worker) {
  JsonObject object(out);
  object.text("worker", worker.id);
  object.time("started", worker.started);
  object.time_or_null("finished", worker.finished);
  word_or_null(object, "outcome", worker.outcome);
  word_or_null(object, "ended_by", worker.ended_by);
  object.end();
}

void append_phase(std::string& out, const runs::Phase& phase) {
  JsonObject object(out);
  object.text("name", runs::name_of(phase.name));
  word_or_null(object, "outcome", phase.outcome);
  object.time("started", phase.started);
  object.milliseconds("duration_ms", phase.duration_ns);
  object.end();
}

}  // namespace

void append_run_members(JsonObject& object, const runs::Run& run) {
  object.text("run", run.id);
  object.text("name", run.name);
  object.text("state", runs::name_of(run.state));
  word_or_null(object, "outcome", run.outcome);
  word_or_null(object, "ended_by", run.ended_by);
  object.number_or_null("exit_code", run.exit_code);
  object.time("started", run.started);
  object.time_or_null("finished", run.finished);
  object.text("framework", run.framework);
  object.text("framework_version", run.framework_version);
  object.text("command", run.command);
  object.text("folder", run.folder);
  object.text("host", run.host);
  object.text("environment", run.environment);
  object.text("lifetime", runs::name_of(run.lifetime));
  object.boolean("remote", run.remote);
  object.boolean("complete", run.complete);
  append_counts(object.key("tests"), run.tests);
  append_json_array(object.key("workers"), run.workers, [&](const runs::Worker& worker) { append_worker(object.out(), worker); });
}

void append_output_members(JsonObject& object, const runs::Run& run) {
  object.text("state", runs::name_of(run.output_state));
  object.text_or_null("folder", run.output ? std::string_view(run.output->folder) : std::string_view());
}

void append_run(std::string& out, const runs::Run& run) {
  JsonObject object(out);
  append_run_members(object, run);
  JsonObject output(object.key("output"));
  append_output_members(output, run);
  output.end();
  object.end();
}

void append_test(std::string& out, const runs::Test& test) {
  JsonObject object(out);
  object.text("test", test.key->id);
  object.text("run", test.key->run);
  object.text("node_id", test.key->node_id);
  object.text("name", test.key->name);
  object.text("worker", test.key->worker);
  object.number("attempt", test.key->attempt);
  word_or_null(object, "outcome", test.outcome);
  word_or_null(object, "ended_by", test.ended_by);
  object.time("started", test.started);
  object.time_or_null("finished", test.finished);
  object.milliseconds("duration_ms", test.duration_ns);
  object.text("message", test.message);
  append_json_array(object.key("phases"), test.phases, [&](const runs::Phase& phase) { append_phase(object.out(), phase); });
  append_json_array(object.key("trace_ids"), test.trace_ids, [&](const std::string& id) { base::append_json_string(object.out(), id); });
  object.text("file_stem", test.file_stem);
  object.end();
}

}  // namespace telltale::api
