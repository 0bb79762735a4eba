#include "sources/launch/file_text.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "sources/file/glob.h"

namespace telltale::sources {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

void each_file(base::Files& files, const std::vector<std::string>& patterns, const std::function<void(const Glob::Match&)>& visit) {
  for (const auto& pattern : patterns) {
    const auto glob = Glob::parse(pattern);
    if (!glob) continue;  // the configuration was checked: it is said there
    Glob::Result found;
    glob->find(files, found);
    for (const auto& match : found.files) visit(match);
  }
}

}  // namespace

FileText::FileText(base::Files& files, const std::vector<std::string>& patterns, std::string text)
    : files_(files), patterns_(patterns), text_(std::move(text)) {
  each_file(files_, patterns_, [this](const Glob::Match& match) { seen_[match.path] = Seen{match.info.inode, match.info.size, {}}; });
}

bool FileText::look() {
  bool found = false;
  each_file(files_, patterns_, [&](const Glob::Match& match) { found = found || look_at(match.path, match.info); });
  return found;
}

bool FileText::look_at(const std::string& path, const base::FileInfo& info) {
  Seen& seen = seen_[path];
  // Another file of that name, or the same one, emptied.
  if (seen.inode != info.inode || info.size < seen.offset) seen = Seen{info.inode, 0, {}};
  const auto file = files_.open_read(path);
  if (!file) return false;
  std::string piece(piece_bytes, '\0');
  while (true) {
    const auto got = (*file)->read_at(seen.offset, piece);
    if (!got || *got == 0) return false;
    seen.offset += *got;
    seen.rest.append(piece, 0, *got);
    if (seen.rest.find(text_) != std::string::npos) return true;
    if (seen.rest.size() >= text_.size()) seen.rest.erase(0, seen.rest.size() - (text_.size() - 1));
  }
}

}  // namespace telltale::sources
