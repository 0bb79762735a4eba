#include "runs/files/appended_file.h"

#include <fmt/format.h>

namespace telltale::runs {

using base::ErrorCode;
using base::fail;

namespace {

std::unexpected<base::Error> replaced(const std::string& path) {
  return fail(ErrorCode::file_not_found, fmt::format("{} was replaced or cut by somebody else", path));
}

}  // namespace

std::string AppendedFile::written_path() const {
  return beside_ ? path_ + ".tmp" : path_;
}

base::Status AppendedFile::create(OutputFolder& folder, bool beside) {
  beside_ = beside;
  pending_.clear();
  written_ = kept_ = 0;
  if (auto file = folder.create(written_path()); !file) return base::pass(file);
  const auto info = folder.files().link_info(written_path());
  if (!info) return std::unexpected(info.error());
  inode_ = info->inode;
  return {};
}

base::Status AppendedFile::publish(OutputFolder& folder) {
  if (!beside_) return {};
  if (auto renamed = folder.files().rename(written_path(), path_); !renamed) return renamed;
  beside_ = false;
  return {};
}

base::Status AppendedFile::write(OutputFolder& folder) {
  if (pending_.empty()) return {};
  auto file = folder.files().open_write(written_path(), base::OpenMode::append_own);
  if (!file) return base::pass(file);
  if ((*file)->size() != written_) return replaced(path_);
  const std::string_view pieces[] = {pending_};
  auto done = (*file)->append(pieces);
  written_ = (*file)->size();
  if (done) pending_.clear();
  return done;
}

base::Status AppendedFile::check(OutputFolder& folder) const {
  const auto info = folder.files().link_info(written_path());
  if (!info) return std::unexpected(info.error());
  if (info->inode == inode_ && info->size >= kept_) return {};
  return replaced(path_);
}

base::Status AppendedFile::go_back(OutputFolder& folder) {
  pending_.clear();
  if (auto there = check(folder); !there) return there;
  auto file = folder.files().open_write(written_path(), base::OpenMode::append_own);
  if (!file) return base::pass(file);
  auto cut = (*file)->truncate(kept_);
  if (cut) written_ = kept_;
  return cut;
}

}  // namespace telltale::runs
