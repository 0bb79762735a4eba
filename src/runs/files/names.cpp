#include "runs/files/names.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"

namespace telltale::runs {

namespace {

constexpr std::size_t max_service_bytes = 100;
constexpr std::size_t max_stem_bytes = 200;
constexpr std::array<std::string_view, 2> service_endings = {"_realtime.log", "_errors.log"};
constexpr std::array<std::string_view, 2> test_endings = {".log", "_ERRORS.log"};

bool is_safe(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '.' || byte == '_' ||
         byte == '-';
}

}  // namespace

std::string safe_name(std::string_view text, std::size_t limit) {
  std::string name;
  while (!text.empty()) {
    std::size_t length = 1;
    if (static_cast<unsigned char>(text[0]) >= 0x80) length = base::printable_length(text);
    const bool keep = length > 1 || (length == 1 && is_safe(static_cast<unsigned char>(text[0])));
    if (name.size() + std::max<std::size_t>(length, 1) > limit) break;
    name += keep ? text.substr(0, length) : std::string_view("_");
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (name.empty()) return "_";
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
  return name;
}

std::string service_file_name(std::string_view service, ServiceFile kind) {
  std::string name = safe_name(service, max_service_bytes);
  if (name != service) name += fmt::format("-{:08x}", base::hash64(service) & 0xffffffffu);
  name += service_endings[static_cast<std::size_t>(kind)];
  return name;
}

std::vector<std::string> test_stems(std::string_view file_stem, std::string_view test_id) {
  const std::string stem = safe_name(file_stem, max_stem_bytes);
  const std::string id = safe_name(test_id, 64);
  std::vector<std::string> stems;
  // A stem that ends like a file of errors would take the place of one.
  if (stem == file_stem && !base::to_lower(stem).ends_with("_errors")) stems.push_back(stem);
  stems.push_back(fmt::format("{}-{}", stem, id.substr(0, 8)));
  stems.push_back(fmt::format("{}-{}", safe_name(stem, 120), id));
  return stems;
}

std::string test_file_name(std::string_view stem, TestFile kind) {
  return std::string(stem).append(test_endings[static_cast<std::size_t>(kind)]);
}

namespace {

constexpr std::string_view log_ending = ".log";
constexpr std::size_t time_bytes = 16;  // "_20251125_080312"

// "_" and digits where `pattern` has them.
bool is_rotation_time(std::string_view text) {
  if (text.size() != time_bytes) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool divider = i == 0 || i == 9;
    if (divider ? text[i] != '_' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

}  // namespace

std::string rotated_name(std::string_view name, base::UnixNanos written, const base::TimeZone& zone) {
  return fmt::format("{}_{}{}", name.substr(0, name.size() - log_ending.size()), base::local_time_name(written, zone), log_ending);
}

std::string_view name_before_rotation(std::string_view name) {
  if (!name.ends_with(log_ending) || name.size() < log_ending.size() + time_bytes) return {};
  const std::string_view rest = name.substr(0, name.size() - log_ending.size());
  const std::string_view stem = rest.substr(0, rest.size() - time_bytes);
  if (!is_rotation_time(rest.substr(stem.size()))) return {};
  const bool ours = stem.ends_with("_realtime") || stem.ends_with("_errors");
  return ours ? stem : std::string_view();
}

bool is_service_file(std::string_view name) {
  return std::any_of(service_endings.begin(), service_endings.end(),
                     [name](std::string_view ending) { return name.size() > ending.size() && name.ends_with(ending); });
}

}  // namespace telltale::runs
