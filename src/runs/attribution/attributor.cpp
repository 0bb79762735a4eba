#include "runs/attribution/attributor.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::runs {
namespace {

// Appends the values of one label. They are views into the window.
void append_values(const Window& window, const Attribution& attribution, std::string_view label, std::vector<std::string_view>& out) {
  if (label == "run") {
    for (const std::uint32_t run : attribution.runs) out.push_back(window.runs[run].id);
    return;
  }
  if (attribution.certain() != (label != "test_candidate")) return;
  for (const std::uint32_t test : attribution.tests) {
    const TestKey& key = *window.tests[test].key;
    if (label == "worker") {
      out.push_back(key.worker);
    } else {
      out.push_back(key.node_id);
      out.push_back(key.id);
    }
  }
}

double milliseconds(std::int64_t nanos) {
  return static_cast<double>(nanos) / static_cast<double>(base::nanos_per_millisecond);
}

}  // namespace

const Attribution& BatchAttribution::of(std::size_t record) const {
  static const Attribution none;
  return record < records.size() ? records[record] : none;
}

BatchAttribution Attributor::attribute(const record::Batch& batch) const {
  BatchAttribution out{registry_.window(batch, grace_ns_), {}};
  if (out.window.empty()) return out;
  out.records.reserve(batch.records.size());
  for (const record::Record& record : batch.records) out.records.push_back(runs::attribute(out.window, batch, record, grace_ns_));
  return out;
}

void Attributor::keep(const record::Batch& batch, std::string_view label, const ValuesHold& holds,
                      std::vector<std::uint32_t>& indices) const {
  const Window window = registry_.window(batch, grace_ns_);
  std::vector<std::string_view> values;
  std::erase_if(indices, [&](std::uint32_t index) {
    values.clear();
    const Attribution attribution = runs::attribute(window, batch, batch.records[index], grace_ns_);
    append_values(window, attribution, label, values);
    return !holds(values);
  });
}

std::optional<record::TimeBounds> Attributor::bounds(std::string_view label, std::string_view value) const {
  if (label == "worker") return record::TimeBounds{};
  const auto bounds = label == "run" ? registry_.run_bounds(value) : registry_.test_bounds(value);
  if (!bounds) return record::TimeBounds{};  // the scan will meet the same trouble and say so
  if (!*bounds) return std::nullopt;
  return record::TimeBounds{(*bounds)->from, (*bounds)->to};
}

void append_attribution(std::string& out, const BatchAttribution& batch, std::size_t record) {
  const Attribution& attribution = batch.of(record);
  out += fmt::format("{{\"method\":\"{}\",\"tests\":[", name_of(attribution.method));
  for (const std::uint32_t test : attribution.tests) {
    if (out.back() != '[') out.push_back(',');
    base::append_json_string(out, batch.test(test).id);
  }
  out.push_back(']');
  if (attribution.clock) {
    out +=
        fmt::format(",\"clock\":{{\"offset_ms\":{},\"uncertainty_ms\":{},\"method\":\"{}\"}}", milliseconds(attribution.clock->offset_ns),
                    milliseconds(attribution.clock->uncertainty_ns), name_of(attribution.clock->method));
  }
  out.push_back('}');
}

}  // namespace telltale::runs
