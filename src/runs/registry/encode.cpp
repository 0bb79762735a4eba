#include "runs/registry/encode.h"

#include <charconv>

namespace telltale::runs {
namespace {

constexpr std::string_view position_prefix = "run:";

struct Redactor {
  const Redact& redact;

  void text(std::string& value) const {
    if (!value.empty()) value = redact(value);
  }
  void services(std::vector<Service>& list) const {
    for (Service& service : list) {
      text(service.name);
      for (std::string& pattern : service.files) text(pattern);
      if (!service.error_patterns) continue;
      for (auto* const patterns : {&service.error_patterns->add, &service.error_patterns->replace, &service.error_patterns->ignore}) {
        for (std::string& pattern : *patterns) text(pattern);
      }
    }
  }
  void labels(record::Labels& values) const {
    std::vector<std::pair<std::string, std::string>> pairs = values.pairs();
    for (auto& [name, value] : pairs) text(value);
    values = record::Labels(std::move(pairs));
  }

  void operator()(RunStarted& event) const {
    for (std::string* value :
         {&event.name, &event.framework, &event.framework_version, &event.command, &event.folder, &event.host, &event.environment}) {
      text(*value);
    }
    services(event.services);
  }
  // A stem that held a secret is no name any more that the client knows; the test's id is one that it does.
  void operator()(TestStarted& event) const {
    text(event.node_id);
    text(event.name);
    std::string stem = event.file_stem;
    text(stem);
    if (stem != event.file_stem) event.file_stem = event.test;
  }
  void operator()(TestFinished& event) const { text(event.message); }
  void operator()(Isolation& event) const { labels(event.labels); }
  void operator()(ClockOffset& event) const { labels(event.labels); }
  void operator()(Watch& event) const { services(event.services); }
  void operator()(RunFinished&) const {}
  void operator()(WorkerStarted&) const {}
  void operator()(WorkerFinished&) const {}
  void operator()(TraceNoted&) const {}
  void operator()(Resumed&) const {}
};

}  // namespace

void redact_event(Event& event, const Redact& redact) {
  if (redact) std::visit(Redactor{redact}, event.body);
}

record::Batch make_event_batch(const record::StreamRef& stream, const std::vector<const Event*>& events, UnixNanos now) {
  record::Batch batch;
  batch.stream = stream;
  for (const Event* event : events) {
    record::Record record;
    record.observed_time = now;
    const std::size_t begin = batch.text.size();
    append_event(batch.text, *event);
    record.line = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(batch.text.size() - begin)};
    record.body = record.line;
    record.flags = record::flag_lifecycle;
    record.severity = record::Severity::info;
    batch.records.push_back(record);
  }
  return batch;
}

record::Position open_run_position(std::string_view run, std::optional<record::Sequence> first) {
  return {std::string(position_prefix) + std::string(run), first ? std::to_string(*first) : std::string()};
}

std::vector<OpenRun> open_runs_of(const std::vector<record::Position>& positions) {
  std::vector<OpenRun> out;
  for (const record::Position& position : positions) {
    if (!position.key.starts_with(position_prefix)) continue;
    OpenRun open{position.key.substr(position_prefix.size()), 0};
    const std::string& value = position.value;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), open.first);
    if (error == std::errc{} && end == value.data() + value.size() && is_run_id(open.run)) out.push_back(std::move(open));
  }
  return out;
}

}  // namespace telltale::runs
