#include "sources/file/rotation_name.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace telltale::sources {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "1", "20261121", "2026-11-21", "2026-11-21T10-00-00.000", "20261121-1763700000", and "old", "bak", "prev".
bool is_rotation_mark(std::string_view text) {
  constexpr std::array<std::string_view, 4> words{"old", "bak", "prev", "previous"};
  if (std::ranges::find(words, text) != words.end()) return true;
  if (text.empty() || !is_digit(text.front())) return false;
  const bool numeric = std::ranges::all_of(text, is_digit);
  if (numeric) return text.size() <= 14;
  // It begins with a year or a whole date, or else "12-2026-11-21" in worker-12-2026-11-21.log would be one.
  const auto first = std::ranges::find_if_not(text, is_digit) - text.begin();
  const auto digits = std::ranges::count_if(text, is_digit);
  return (first >= 4 ? digits >= 8 : first == 2 && digits == 8) &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || std::string_view("-_.:TZ+").contains(c); });
}

// Position of the separator before a rotation mark that ends at `end`; npos when there is none. The longest mark wins.
std::size_t mark_before(std::string_view name, std::size_t end) {
  for (std::size_t i = 1; i + 1 < end; ++i) {
    const char c = name[i];
    if ((c == '.' || c == '-' || c == '_') && is_rotation_mark(name.substr(i + 1, end - i - 1))) return i;
  }
  return std::string_view::npos;
}

std::size_t extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == 0 || dot == std::string_view::npos ? name.size() : dot;
}

}  // namespace

bool is_compressed_name(std::string_view name) {
  constexpr std::array<std::string_view, 6> endings{".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

std::string base_name_of(std::string_view full) {
  const std::string_view name = without_compression(full);
  if (const std::size_t cut = mark_before(name, name.size()); cut != std::string_view::npos) return std::string(name.substr(0, cut));
  const std::size_t dot = extension_of(name);
  const bool has_extension = dot < name.size() && std::ranges::none_of(name.substr(dot), is_digit);
  if (has_extension) {
    if (const std::size_t cut = mark_before(name, dot); cut != std::string_view::npos) {
      // Inside a name a short number is more often a part of it (worker-3.log) than a rotation (app.3.log): only dates and a dot count.
      const std::string_view mark = name.substr(cut + 1, dot - cut - 1);
      if (mark.size() >= 8 || name[cut] == '.') return std::string(name.substr(0, cut)) + std::string(name.substr(dot));
    }
  }
  return std::string(full);
}

bool is_sibling_name(std::string_view name, std::string_view current) {
  if (name.size() <= current.size()) return false;
  if (name.starts_with(current)) {
    const char next = name[current.size()];
    return next == '.' || next == '-' || next == '_' || next == '~';
  }
  const std::size_t dot = extension_of(current);
  const std::string_view stem = current.substr(0, dot);
  const std::string_view extension = current.substr(dot);
  if (extension.empty() || !name.starts_with(stem)) return false;
  const char next = name[stem.size()];
  return (next == '.' || next == '-' || next == '_') && without_compression(name).ends_with(extension) && base_name_of(name) == current;
}

unsigned rotation_number(std::string_view full) {
  const std::string_view name = without_compression(full);
  const std::size_t cut = mark_before(name, name.size());
  if (cut == std::string_view::npos) return 0;
  unsigned number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + cut + 1, end, number);
  return error == std::errc{} && stop == end && name.size() - cut <= 7 ? number : 0;
}

bool is_sibling_path(std::string_view path, std::string_view current) {
  const std::size_t name = current.rfind('/') + 1;  // npos + 1 is 0
  return path.rfind('/') + 1 == name && path.starts_with(current.substr(0, name)) &&
         is_sibling_name(path.substr(name), current.substr(name));
}

std::string_view without_compression(std::string_view name) {
  return is_compressed_name(name) ? name.substr(0, extension_of(name)) : name;
}

std::string lineage_path(std::string_view path) {
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  return std::string(path.substr(0, name)) + base_name_of(path.substr(name));
}

std::string stem_of(std::string_view name) {
  const std::string base = base_name_of(without_compression(name));
  return base.substr(0, extension_of(base));
}

}  // namespace telltale::sources
