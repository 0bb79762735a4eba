#include "sources/file/listing.h"

#include <algorithm>
#include <set>

#include "sources/file/rotation_name.h"

namespace telltale::sources {
namespace {

// Compressed files are read by those who name them so, as in *.gz, and only such as can be unpacked.
bool wants(const Glob& glob, std::string_view path) {
  return !is_compressed_name(path) || (packing_of(path) != Packing::none && packing_of(path) == packing_of(glob.pattern()));
}

}  // namespace

base::Result<Patterns> Patterns::parse(const std::vector<config::FileSource>& sources) {
  Patterns patterns;
  for (const auto& source : sources)
    if (auto done = patterns.set(patterns.entries_.size(), source); !done) return base::pass(done);
  return patterns;
}

base::Status Patterns::set(std::size_t source, const config::FileSource& configured) {
  Entry entry;
  for (const auto& text : configured.paths) {
    auto glob = Glob::parse(text);
    if (!glob) return base::pass(glob);
    entry.globs.push_back(std::move(*glob));
  }
  for (const auto& text : configured.exclude) {
    auto glob = Glob::parse(text);
    if (!glob) return base::pass(glob);
    entry.excludes.push_back(text);
  }
  if (source == entries_.size()) entries_.emplace_back();
  entries_[source] = std::move(entry);
  return {};
}

bool Patterns::is_excluded(const Entry& entry, const std::string& path) const {
  return std::ranges::any_of(entry.excludes, [&](const std::string& exclude) { return path_matches(exclude, path); });
}

bool Patterns::covers(std::size_t source, const std::string& path) const {
  const Entry& entry = entries_[source];
  return !is_excluded(entry, path) &&
         std::ranges::any_of(entry.globs, [&](const Glob& glob) { return wants(glob, path) && path_matches(glob.pattern(), path); });
}

Listing Patterns::find(base::Files& files) const {
  Listing listing;
  std::map<std::string, SeenFile> found;
  std::set<std::string> folders;
  std::set<std::string> problems;
  for (std::size_t source = 0; source < entries_.size(); ++source) {
    Glob::Result result;
    for (const auto& glob : entries_[source].globs) {
      const auto before = static_cast<std::ptrdiff_t>(result.files.size());
      glob.find(files, result);
      const auto unwanted = std::remove_if(result.files.begin() + before, result.files.end(),
                                           [&](const Glob::Match& match) { return !wants(glob, match.path); });
      result.files.erase(unwanted, result.files.end());
    }
    for (auto& match : result.files) {
      if (is_excluded(entries_[source], match.path)) continue;
      found.try_emplace(match.path, SeenFile{match.path, match.info, source, true, {}});
    }
    folders.insert(result.folders.begin(), result.folders.end());
    for (auto& problem : result.problems)
      if (!is_excluded(entries_[source], problem.path) && problems.insert(problem.path).second)
        listing.problems.push_back(std::move(problem));
  }
  for (auto& [path, seen] : found) listing.files.push_back(std::move(seen));
  listing.folders.assign(folders.begin(), folders.end());
  return listing;
}

}  // namespace telltale::sources
