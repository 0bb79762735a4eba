#include "config/table.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "config/environment_settings.h"
#include "config/settings.h"

namespace telltale::config {

namespace {

// A swap of neighbours is two edits; in very short words that would be another word.
bool is_close(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  return base::edit_distance(base::to_lower(a), b) <= (length < 4 ? 1 : std::max<std::size_t>(2, length / 3));
}

std::string joined(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

// What of `path` is below `parent`, or nothing.
std::string_view rest_below(std::string_view path, std::string_view parent) {
  if (parent.empty()) return path;
  if (!path.starts_with(parent) || path.size() <= parent.size() || path[parent.size()] != '.') return {};
  return path.substr(parent.size() + 1);
}

}  // namespace

template <class Visit>
void Table::visit(Visit each) const {
  for (const auto& part : parts_) {
    for (const Setting& setting : part) each(setting);
  }
}

const Setting* Table::find(std::string_view path) const {
  const Setting* found = nullptr;
  visit([&](const Setting& setting) {
    if (setting.path == path) found = &setting;
  });
  return found;
}

bool Table::is_list(std::string_view path) const {
  bool found = false;
  visit([&](const Setting& setting) { found |= setting.path.starts_with(path) && setting.path.substr(path.size()).starts_with("[]."); });
  return found;
}

bool Table::is_section(std::string_view path) const {
  return !keys_below(path).empty();
}

std::vector<const Setting*> Table::below(std::string_view path) const {
  std::vector<const Setting*> settings;
  visit([&](const Setting& setting) {
    const std::string_view rest = rest_below(setting.path, path);
    if (!rest.empty() && rest.find_first_of(".[") == std::string_view::npos) settings.push_back(&setting);
  });
  return settings;
}

std::set<std::string_view> Table::keys_below(std::string_view parent) const {
  std::set<std::string_view> keys;
  visit([&](const Setting& setting) {
    const std::string_view rest = rest_below(setting.path, parent);
    if (!rest.empty()) keys.insert(rest.substr(0, rest.find_first_of(".[")));
  });
  return keys;
}

std::string Table::suggestion(std::string_view parent, std::string_view key) const {
  constexpr std::size_t longest_key = 100;  // nobody meant this one
  if (key.size() > longest_key) return {};
  auto siblings = keys_below(parent);
  if (parent.empty() && this == &settings_table()) siblings.insert("version");
  if (const auto sibling = nearest(key, siblings); !sibling.empty()) return fmt::format("; did you mean {}?", joined(parent, sibling));
  // The right name in the wrong section.
  std::string elsewhere;
  visit([&](const Setting& setting) {
    const bool same = setting.path.substr(setting.path.rfind('.') + 1) == key;
    if (elsewhere.empty() && same) elsewhere = fmt::format("; did you mean {}?", setting.path);
  });
  if (!elsewhere.empty()) return elsewhere;
  const bool of_environment = parent.empty() && this == &environment_table();
  return siblings.empty() ? ""
                          : fmt::format("; allowed here: {}{}", fmt::join(siblings, ", "),
                                        of_environment ? "; what telltale does not know goes below `extra:`" : "");
}

const Table& settings_table() {
  static const Table table({setting_table, entry_table});
  return table;
}

const Table& environment_table() {
  static const Table table({environment_setting_table, environment_entry_table});
  return table;
}

std::string_view nearest(std::string_view key, const std::set<std::string_view>& candidates) {
  const auto distance = [&](std::string_view candidate) { return base::edit_distance(key, candidate); };
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](std::string_view a, std::string_view b) { return distance(a) < distance(b); });
  return best != candidates.end() && is_close(key, *best) ? *best : std::string_view();
}

}  // namespace telltale::config
