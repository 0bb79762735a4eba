#include "sources/file/glob.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace telltale::sources {
namespace {

bool has_wildcard(std::string_view part) {
  return part.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// A "[...]" at the front of `pattern`: its size, 0 when it is not closed; `hit` tells whether `c` is in it.
std::size_t bracket(std::string_view pattern, char c, bool& hit) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    const bool range = i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']';
    const char low = pattern[i];
    const char high = range ? pattern[i + 2] : low;
    found = found || (low <= c && c <= high);
    i += range ? 3 : 1;
  }
  if (i >= pattern.size()) return 0;
  hit = found != negated;
  return i + 1;
}

bool parts_match(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string>& path, std::size_t s) {
  if (p == pattern.size()) return s == path.size();
  if (pattern[p] == "**") {
    for (std::size_t skip = s; skip <= path.size(); ++skip)
      if (parts_match(pattern, p + 1, path, skip)) return true;
    return false;
  }
  return s < path.size() && name_matches(pattern[p], path[s]) && parts_match(pattern, p + 1, path, s + 1);
}

}  // namespace

bool name_matches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // where to go back to: the last star takes one byte more
  std::size_t star_name = 0;
  while (n < name.size()) {
    bool hit = false;
    std::size_t used = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '[') used = bracket(pattern.substr(p), name[n], hit);
    if (used == 0 && p < pattern.size()) {
      used = 1;
      hit = pattern[p] == '?' || pattern[p] == name[n];
    }
    if (hit) {
      p += used;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool path_matches(std::string_view pattern, std::string_view path) {
  if (!pattern.contains('/')) return name_matches(pattern, base::file_name(path));
  return parts_match(split(pattern), 0, split(path), 0);
}

base::Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  glob.pattern_ = pattern;
  glob.root_ = pattern.starts_with('/') ? "/" : "";
  glob.parts_ = split(pattern);
  const auto invalid = [&](std::string_view why) {
    return base::fail(base::ErrorCode::source_invalid, fmt::format("the pattern '{}' cannot be used: {}", pattern, why),
                      "Use * ? [a-z] within a name and ** for any folders, as in /var/log/**/*.log");
  };
  if (glob.parts_.empty()) return invalid("it names no file");
  for (const auto& part : glob.parts_) {
    if (part != "**" && part.contains("**")) return invalid("** stands for whole folders, not for a part of a name");
    for (std::size_t i = part.find('['); i != std::string::npos; i = part.find('[', i + 1)) {
      bool hit = false;
      if (bracket(std::string_view(part).substr(i), 'x', hit) == 0) return invalid("a [ is not closed");
      i += bracket(std::string_view(part).substr(i), 'x', hit) - 1;
    }
  }
  if (glob.parts_.back() == "**") glob.parts_.emplace_back("*");
  return glob;
}

struct Glob::Walk {
  base::Files& files;
  Result& out;
  std::set<std::pair<std::uint64_t, std::uint64_t>> above;  // folders we are inside of: device, inode
  std::set<std::pair<std::string, std::size_t>> seen;       // folder and part: ** can reach both in several ways
};

void Glob::find(base::Files& files, Result& out) const {
  Walk walk{files, out, {}, {}};
  descend(walk, root_, 0);
}

// Looks for parts_[part...] in `folder`; "" is the working folder.
void Glob::descend(Walk& walk, const std::string& folder, std::size_t part) const {
  const std::string here = folder.empty() ? "." : folder;
  if (!walk.seen.emplace(here, part).second) return;
  const auto enter = [&](std::string_view name) { return folder.empty() ? std::string(name) : base::join_path(folder, name); };
  if (parts_[part] != "**" && !has_wildcard(parts_[part])) {
    // Of a fixed beginning only the deepest folder that exists is worth watching.
    const bool exists = take(walk, enter(parts_[part]), part);
    if (!exists || part + 1 == parts_.size()) walk.out.folders.push_back(here);
    return;
  }
  const auto info = walk.files.info(here);
  if (!info || info->kind != base::FileKind::directory) return;
  const std::pair<std::uint64_t, std::uint64_t> id{info->device, info->inode};
  const bool recursive = parts_[part] == "**";
  if (recursive && !walk.above.insert(id).second) return;
  auto names = walk.files.list(here);
  walk.out.folders.push_back(here);
  if (!names) {
    if (names.error().code != base::ErrorCode::file_not_found) walk.out.problems.push_back({here, names.error()});
    names = std::vector<std::string>();
  }
  if (recursive) {
    descend(walk, folder, part + 1);
    for (const auto& name : *names) {
      if (name.starts_with('.')) continue;
      const auto below = walk.files.info(enter(name));
      if (below && below->kind == base::FileKind::directory) descend(walk, enter(name), part);
    }
    walk.above.erase(id);
    return;
  }
  for (const auto& name : *names)
    if (name_matches(parts_[part], name)) take(walk, enter(name), part);
}

// `path` matches parts_[0..part]. False when nothing is there.
bool Glob::take(Walk& walk, const std::string& path, std::size_t part) const {
  const bool last = part + 1 == parts_.size();
  const auto info = walk.files.info(path);
  if (!info) {
    const auto code = info.error().code;
    if (code != base::ErrorCode::file_not_found && code != base::ErrorCode::not_directory)
      walk.out.problems.push_back({path, info.error()});
    return false;
  }
  if (!last) {
    if (info->kind == base::FileKind::directory) descend(walk, path, part + 1);
    return true;
  }
  if (info->kind == base::FileKind::regular) {
    walk.out.files.push_back({path, *info});
  } else if (!has_wildcard(parts_[part])) {
    const bool folder = info->kind == base::FileKind::directory;
    walk.out.problems.push_back(
        {path, base::Error{folder ? base::ErrorCode::is_directory : base::ErrorCode::source_invalid,
                           fmt::format("'{}' is {}", path, folder ? "a folder" : "no regular file"),
                           folder ? fmt::format("Name the files in it, as in {}", base::join_path(path, "*.log")) : ""}});
  }
  return true;
}

}  // namespace telltale::sources
