// Events as the store keeps them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"
#include "runs/model/event.h"

namespace telltale::runs {

using Redact = std::function<std::string(std::string_view)>;

// Takes secrets out of every text of the event that people or programs wrote. An empty `redact` takes nothing.
void redact_event(Event& event, const Redact& redact);

// One record an event, its line the event's JSON, written to the run's lifecycle stream.
record::Batch make_event_batch(const record::StreamRef& stream, const std::vector<const Event*>& events, UnixNanos now);

// The position that stands for a run that is open: it is found at the next start without reading the store. `first` is not above the
// sequence of its first event; nothing: the run is open no more.
record::Position open_run_position(std::string_view run, std::optional<record::Sequence> first);
struct OpenRun {
  std::string run;
  record::Sequence first = 0;
};
std::vector<OpenRun> open_runs_of(const std::vector<record::Position>& positions);

}  // namespace telltale::runs
