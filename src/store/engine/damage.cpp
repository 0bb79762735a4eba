#include "store/engine/damage.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "store/segment/format.h"

namespace telltale::store {

namespace {

constexpr std::string_view key_prefix = "store/damage/";
constexpr std::size_t most_services_shown = 8;

std::string services_text(const std::vector<std::string>& services) {
  std::string out;
  for (std::size_t i = 0; i < services.size() && i < most_services_shown; ++i) out += (i == 0 ? "" : ", ") + services[i];
  if (services.size() > most_services_shown) out += fmt::format(" and {} more", services.size() - most_services_shown);
  return out;
}

}  // namespace

record::Position damage_position(const Damage& damage) {
  return {fmt::format("{}{}/{}", key_prefix, damage.segment, damage.range.offset), std::to_string(damage.end_sequence)};
}

bool is_damage_key(std::string_view key) {
  return key.starts_with(key_prefix);
}

record::Sequence segment_of_damage_key(std::string_view key) {
  key.remove_prefix(key_prefix.size());
  record::Sequence sequence = 0;
  std::from_chars(key.data(), key.data() + key.size(), sequence);
  return sequence;
}

record::Gap gap_of(const Damage& damage) {
  record::Gap gap;
  gap.reason = record::GapReason::store_damaged;
  gap.from_time = damage.from_time;
  gap.to_time = std::max(damage.from_time, damage.to_time);
  gap.sequences = record::SequenceRange{damage.from_sequence, damage.end_sequence - 1};
  // An opening leaves out numbers: where one may lie between, the numbers do not count records.
  if (damage.missing > 0 && damage.missing < sequences_skipped_at_opening) gap.lines = damage.missing;
  gap.detail = fmt::format("{}: {}; records {} to {}", damage.segment, damage.what, damage.from_sequence, damage.end_sequence - 1);
  if (!damage.services.empty()) gap.detail += ", of " + services_text(damage.services);
  return gap;
}

record::StreamRef store_stream() {
  return record::make_stream(record::Labels({{"service", "telltale"}, {"source", "telltale"}, {"stream", "store"}}));
}

}  // namespace telltale::store
