#include "config/table.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "config/settings.h"

namespace telltale::config {

namespace {

const Setting* find_in(std::span<const Setting> table, std::string_view path) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Setting& setting) { return setting.path == path; });
  return found == table.end() ? nullptr : &*found;
}

template <class Visit>
void for_each_path(Visit visit) {
  for (const Setting& setting : setting_table) visit(setting.path);
  for (const Setting& setting : entry_table) visit(setting.path);
}

// The keys that may stand below `parent`.
std::set<std::string_view> keys_below(std::string_view parent) {
  std::set<std::string_view> keys;
  if (parent.empty()) keys.insert("version");
  for_each_path([&](std::string_view path) {
    if (!parent.empty()) {
      if (!path.starts_with(parent) || path.size() <= parent.size() || path[parent.size()] != '.') return;
      path.remove_prefix(parent.size() + 1);
    }
    keys.insert(path.substr(0, path.find_first_of(".[")));
  });
  return keys;
}

// A swap of neighbours is two edits; in very short words that would be another word.
bool is_close(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  return base::edit_distance(base::to_lower(a), b) <= (length < 4 ? 1 : std::max<std::size_t>(2, length / 3));
}

std::string_view nearest(std::string_view key, const std::set<std::string_view>& candidates) {
  const auto distance = [&](std::string_view candidate) { return base::edit_distance(key, candidate); };
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](std::string_view a, std::string_view b) { return distance(a) < distance(b); });
  return best != candidates.end() && is_close(key, *best) ? *best : std::string_view();
}

std::string joined(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

}  // namespace

const Setting* find_setting(std::string_view path) {
  return find_in(setting_table, path);
}
const Setting* find_entry_setting(std::string_view path) {
  return find_in(entry_table, path);
}

bool is_list(std::string_view path) {
  const auto inside = [&](const Setting& setting) {
    return setting.path.starts_with(path) && setting.path.substr(path.size()).starts_with("[].");
  };
  return std::any_of(std::begin(entry_table), std::end(entry_table), inside);
}

bool is_section(std::string_view path) {
  return !keys_below(path).empty();
}

std::string suggestion(std::string_view parent, std::string_view key) {
  constexpr std::size_t longest_key = 100;  // nobody meant this one
  if (key.size() > longest_key) return {};
  const auto siblings = keys_below(parent);
  if (const auto sibling = nearest(key, siblings); !sibling.empty()) return fmt::format("; did you mean {}?", joined(parent, sibling));
  // The right name in the wrong section.
  std::string elsewhere;
  for_each_path([&](std::string_view path) {
    if (elsewhere.empty() && path.substr(path.rfind('.') + 1) == key) elsewhere = fmt::format("; did you mean {}?", path);
  });
  if (!elsewhere.empty()) return elsewhere;
  return siblings.empty() ? "" : fmt::format("; allowed here: {}", fmt::join(siblings, ", "));
}

}  // namespace telltale::config
