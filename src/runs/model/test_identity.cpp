#include "runs/model/test_identity.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/time_zone.h"

namespace telltale::runs {

namespace {

constexpr std::size_t max_safe_name = 100;

bool is_safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::string safe_name(std::string_view name) {
  std::string safe;
  for (const char c : name.substr(0, max_safe_name)) safe += is_safe(c) ? c : '_';
  if (safe.starts_with('.')) safe[0] = '_';
  return safe;
}

}  // namespace

std::string test_id_of(const ShellTest& test) {
  return base::sha256_hex(fmt::format("{}\n{}\n{}\n{}", test.run, test.node_id, test.attempt, test.worker)).substr(0, 16);
}

std::string_view test_name_of(std::string_view node_id) {
  const std::size_t mark = node_id.rfind("::");
  return mark == std::string_view::npos || mark + 2 == node_id.size() ? node_id : node_id.substr(mark + 2);
}

std::string file_stem_of(const ShellTest& test, base::UnixNanos started) {
  const std::string_view name = test_name_of(test.node_id);
  const std::string safe = safe_name(name);
  const std::string stem = fmt::format("{}_{}", safe, base::local_time_name(started, base::LocalTimeZone()));
  if (safe == test.node_id && test.worker == "shell" && test.attempt == 1) return stem;
  return fmt::format("{}_{}", stem, test_id_of(test).substr(0, 6));
}

}  // namespace telltale::runs
