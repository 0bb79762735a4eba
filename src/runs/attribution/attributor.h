// Attribution of whole batches, and the labels test, run, worker and test_candidate for queries.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/ports.h"
#include "runs/attribution/attribution.h"
#include "runs/registry/registry.h"

namespace telltale::runs {

inline constexpr std::int64_t default_grace_ns = base::nanos_per_millisecond / 10;

// What is known of a batch now; a later event may change it. Indices of the attributions are those of window.tests and window.runs.
struct BatchAttribution {
  Window window;
  std::vector<Attribution> records;  // one a record; empty when no run's scope holds the stream
  // Of a record that is in no run: none.
  const Attribution& of(std::size_t record) const;
  const TestKey& test(std::uint32_t index) const { return *window.tests[index].key; }
};

// Thread-safe; the registry outlives it.
class Attributor final : public record::ComputedLabels {
 public:
  explicit Attributor(const Registry& registry, std::int64_t grace_ns = default_grace_ns) : registry_(registry), grace_ns_(grace_ns) {}

  BatchAttribution attribute(const record::Batch& batch) const;

  void keep(const record::Batch& batch, std::string_view label, const ValuesHold& holds,
            std::vector<std::uint32_t>& indices) const override;
  std::optional<record::TimeBounds> bounds(std::string_view label, std::string_view value) const override;

 private:
  const Registry& registry_;
  const std::int64_t grace_ns_;
};

// Appends {"method":"sole","tests":["…"],"clock":{"offset_ms":5000,"uncertainty_ms":0,"method":"configured"}}; `clock` only where a
// correction was applied.
void append_attribution(std::string& out, const BatchAttribution& batch, std::size_t record);

}  // namespace telltale::runs
