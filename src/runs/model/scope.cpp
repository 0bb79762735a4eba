#include "runs/model/scope.h"

#include <algorithm>

#include "record/internal.h"
#include "sources/file/glob.h"

namespace telltale::runs {

record::StreamRef lifecycle_stream(std::string_view run) {
  return record::make_stream(
      record::Labels({{"service", "telltale"}, {"source", std::string(record::lifecycle_source)}, {"instance", std::string(run)}}));
}

bool is_lifecycle(const record::Labels& labels) {
  return labels.get("source") == record::lifecycle_source && labels.get("service") == "telltale" && labels.has("instance");
}

bool service_holds(const Service& service, const record::Stream& stream) {
  const std::string_view path = stream.labels.get("file");
  if (path.empty()) return false;
  return std::ranges::any_of(service.files, [path](const std::string& pattern) { return sources::path_matches(pattern, path); });
}

Scope::Scope(std::string run, std::vector<Service> services, bool everything)
    : run_(std::move(run)), services_(std::move(services)), everything_(everything) {}

Scope::Scope(std::string run, std::vector<Service> services)
    : run_(std::move(run)), services_(std::move(services)), everything_(services_.empty()) {}

const Service* Scope::service_of(const record::Stream& stream) const {
  const auto found = std::ranges::find_if(services_, [&](const Service& service) { return service_holds(service, stream); });
  return found == services_.end() ? nullptr : &*found;
}

std::string_view Scope::name_in_run(const record::Stream& stream) const {
  const record::Labels& labels = stream.labels;
  const std::string_view source = labels.get("source");
  if (run_.empty() || record::is_internal(stream) || source == "telltale") return {};
  const std::string_view service = labels.get("service");
  const std::string_view own = service.empty() ? std::string_view("unknown") : service;
  // The command of `telltale run` is no service: it is what runs the tests.
  if (source == "process") return labels.get("instance") == run_ && labels.get("process") != "command" ? own : std::string_view();
  const Service* const found = service_of(stream);
  if (found != nullptr) return found->name;
  return everything_ ? own : std::string_view();
}

}  // namespace telltale::runs
