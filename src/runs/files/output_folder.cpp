#include "runs/files/output_folder.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "runs/files/test_header.h"

namespace telltale::runs {

using base::ErrorCode;
using base::fail;
using base::FileKind;

namespace {

constexpr std::size_t max_path_bytes = 3000;  // the system's limit is 4096; names are added
constexpr std::uint64_t max_mark_bytes = 4096;
constexpr int max_rotations_a_second = 100;

bool has_component(std::string_view path, std::string_view component) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == component) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

std::string_view text_of(const boost::json::object& object, const char* name) {
  const boost::json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool mark_says(std::string_view text, std::string_view run, std::string_view nonce) {
  boost::json::error_code failed;
  const boost::json::value mark = boost::json::parse({text.data(), text.size()}, failed);
  if (failed || !mark.is_object() || nonce.empty()) return false;
  return text_of(mark.get_object(), "run") == run && base::equals_in_constant_time(text_of(mark.get_object(), "nonce"), nonce);
}

}  // namespace

OutputFolder::OutputFolder(base::Files& files, std::string run, Output output)
    : files_(files), run_(std::move(run)), output_(std::move(output)) {}

base::Status OutputFolder::check_name() const {
  const std::string& folder = output_.folder;
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("the run's folder '{}' {}", base::to_printable(folder.substr(0, 200)), why),
                "Name an absolute folder without '.' and '..' in it.");
  };
  if (!folder.starts_with('/')) return refused("is not absolute");
  if (folder.size() > max_path_bytes) return refused("has too long a name");
  if (base::to_printable(folder) != folder) return refused("has control characters in its name");
  if (has_component(folder, ".") || has_component(folder, "..")) return refused("has '.' or '..' in its name");
  return {};
}

base::Status OutputFolder::check_kind(const base::Result<base::FileInfo>& info, const std::string& path, FileKind kind) const {
  if (!info) return std::unexpected(info.error());
  if (info->kind != kind) {
    const bool folder = kind == FileKind::directory;
    return fail(folder ? ErrorCode::not_directory : ErrorCode::permission_denied,
                fmt::format("{} is no {}", path, folder ? "directory of its own" : "regular file"), "Remove it.");
  }
  if (!info->own) return fail(ErrorCode::permission_denied, fmt::format("{} belongs to another user than the engine", path));
  return {};
}

base::Status OutputFolder::check() const {
  if (auto named = check_name(); !named) return named;
  if (auto folder = check_kind(files_.info(path()), path(), FileKind::directory); !folder) return folder;
  const std::string mark = base::join_path(path(), run_mark_file);
  if (auto kind = check_kind(files_.link_info(mark), mark, FileKind::regular); !kind) return kind;
  auto text = base::read_file(files_, mark, max_mark_bytes);
  if (!text) return base::pass(text);
  if (!mark_says(*text, run_, output_.nonce)) {
    return fail(ErrorCode::permission_denied, fmt::format("{} is not that of run {}", mark, run_), "Another run has taken the folder.");
  }
  return {};
}

base::Status OutputFolder::make_test_folder() {
  const std::string folder = base::join_path(path(), test_logs_folder);
  const auto info = files_.link_info(folder);
  if (!info && info.error().code == ErrorCode::file_not_found) return files_.make_directories(folder);
  return check_kind(info, folder, FileKind::directory);
}

std::string OutputFolder::service_path(std::string_view service, ServiceFile kind) const {
  return base::join_path(path(), service_file_name(service, kind));
}

std::string OutputFolder::test_path(std::string_view stem, TestFile kind) const {
  return base::join_path(base::join_path(path(), test_logs_folder), test_file_name(stem, kind));
}

base::Status OutputFolder::rotate(const base::TimeZone& zone) {
  const auto names = files_.list(path());
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!is_service_file(name)) continue;
    if (auto done = rotate_one(name, zone); !done) return done;
  }
  return prune();
}

base::Status OutputFolder::rotate_one(const std::string& name, const base::TimeZone& zone) {
  const std::string from = base::join_path(path(), name);
  const auto info = files_.link_info(from);
  if (!info) return std::unexpected(info.error());
  // Two runs within a second: the name says a little later.
  for (int attempt = 0; attempt < max_rotations_a_second; ++attempt) {
    const std::string to = base::join_path(path(), rotated_name(name, info->modify_time + attempt * base::nanos_per_second, zone));
    if (const auto taken = files_.link_info(to); taken || taken.error().code != ErrorCode::file_not_found) continue;
    return files_.rename(from, to);
  }
  return files_.remove(from);
}

base::Status OutputFolder::prune() {
  const auto names = files_.list(path());
  if (!names) return std::unexpected(names.error());
  std::map<std::string, std::vector<std::string>, std::less<>> rotated;  // by the name before, each sorted by time
  for (const std::string& name : *names) {
    if (const std::string_view before = name_before_rotation(name); !before.empty()) rotated[std::string(before)].push_back(name);
  }
  for (const auto& [before, files] : rotated) {
    for (std::size_t i = 0; i + kept_rotated_files < files.size(); ++i) {
      if (auto gone = remove_if_there(base::join_path(path(), files[i])); !gone) return gone;
    }
  }
  return {};
}

base::Status OutputFolder::remove_if_there(const std::string& path) {
  auto gone = files_.remove(path);
  if (!gone && gone.error().code == ErrorCode::file_not_found) return {};
  return gone;
}

base::Result<std::unique_ptr<base::WritableFile>> OutputFolder::create(const std::string& path) {
  if (auto gone = remove_if_there(path); !gone) return base::pass(gone);
  return files_.open_write(path, base::OpenMode::create_new);
}

namespace {

base::Result<bool> begins_for_test(base::Files& files, const std::string& path, std::string_view test_id) {
  const auto info = files.link_info(path);
  if (!info && info.error().code == ErrorCode::file_not_found) return false;
  if (!info) return std::unexpected(info.error());
  if (info->kind != FileKind::regular) return false;
  auto file = files.open_read(path);
  if (!file) return base::pass(file);
  char begin[256];
  const auto got = (*file)->read_at(0, begin);
  if (!got) return std::unexpected(got.error());
  return is_header_of({begin, *got}, test_id);
}

}  // namespace

base::Result<bool> OutputFolder::may_take(const std::string& path, std::string_view test_id) const {
  const auto info = files_.link_info(path);
  if (!info && info.error().code == ErrorCode::file_not_found) return true;
  return begins_for_test(files_, path, test_id);
}

TestFiles find_test_files(base::Files& files, const std::string& folder, const Test& test) {
  TestFiles found;
  const std::string test_logs = base::join_path(folder, test_logs_folder);
  for (const std::string& stem : test_stems(test.file_stem, test.key->id)) {
    const auto path = [&](TestFile kind) { return base::join_path(test_logs, test_file_name(stem, kind)); };
    const auto log = begins_for_test(files, path(TestFile::log), test.key->id);
    if (!log || !*log) continue;
    found.log = path(TestFile::log);
    const auto errors = begins_for_test(files, path(TestFile::errors), test.key->id);
    if (errors && *errors) found.errors = path(TestFile::errors);
    break;
  }
  return found;
}

}  // namespace telltale::runs
