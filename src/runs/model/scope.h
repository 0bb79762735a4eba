// Which streams a run looks at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "record/stream.h"
#include "runs/model/run.h"

namespace telltale::runs {

// The labels of a run's lifecycle stream: {service="telltale", source="lifecycle", instance=RUN}.
record::StreamRef lifecycle_stream(std::string_view run);
bool is_lifecycle(const record::Labels& labels);

// Whether the stream is a file that one of the service's patterns matches.
bool service_holds(const Service& service, const record::Stream& stream);

// The services of a run as one question about streams: a file's stream is in it when its path matches a pattern of a service, a process's
// stream when its label `instance` is the run's id and it is not of the run's own command, and every stream when the run has no services
// (but not another run's processes, nor what the engine says itself). Immutable, thread-safe; costs one comparison a pattern: keep the
// answer for each stream.
class Scope {
 public:
  Scope() = default;
  // `everything`: the run began without services, those it has were added by `watch`.
  Scope(std::string run, std::vector<Service> services, bool everything);
  Scope(std::string run, std::vector<Service> services);

  bool holds(const record::Stream& stream) const { return !name_in_run(stream).empty(); }
  // The run's name for the stream: that of the service whose files match, else the stream's label `service`, else "unknown". Empty when
  // the stream is not in the run.
  std::string_view name_in_run(const record::Stream& stream) const;
  // The service whose files match; null: none.
  const Service* service_of(const record::Stream& stream) const;
  const std::vector<Service>& services() const { return services_; }

 private:
  std::string run_;
  std::vector<Service> services_;
  bool everything_ = false;
};

}  // namespace telltale::runs
