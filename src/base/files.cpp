#include "base/files.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::base {

Result<std::string> read_file(Files& files, const std::string& path, std::uint64_t limit) {
  auto file = files.open_read(path);
  if (!file) return pass(file);
  constexpr std::size_t step = 64 * 1024;
  std::string text;
  // Until the end instead of to the size: files of /proc say they are empty.
  for (;;) {
    const std::size_t have = text.size();
    text.resize(have + step);
    auto got = (*file)->read_at(have, std::span(text).subspan(have));
    if (!got) return pass(got);
    text.resize(have + *got);
    if (text.size() > limit) return fail(ErrorCode::io_error, fmt::format("{} is larger than {}", path, format_bytes(limit)));
    if (*got < step) return text;
  }
}

namespace {

Status write_new_file(Files& files, const std::string& path, std::string_view text) {
  auto file = files.open_write(path, OpenMode::create_new);
  if (!file) return pass(file);
  const std::string_view pieces[] = {text};
  if (auto done = (*file)->append(pieces); !done) return done;
  return (*file)->sync();
}

}  // namespace

Status write_file_atomically(Files& files, const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  // Left behind by a crash; nobody else uses this name.
  if (auto gone = files.remove(temporary); !gone && gone.error().code != ErrorCode::file_not_found) return gone;
  auto done = write_new_file(files, temporary, text);
  if (done) done = files.rename(temporary, path);
  if (!done) {
    // The error that counts is the first one; what cannot be removed now is removed by the next call.
    static_cast<void>(files.remove(temporary));
    return done;
  }
  return files.sync_directory(parent_path(path));
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty() || name.starts_with('/')) return std::string(name);
  if (name.empty()) return std::string(folder);
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string parent_path(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

std::string_view file_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/") return path;
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace telltale::base
