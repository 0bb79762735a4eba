#include "runs/files/test_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.h"

namespace telltale::runs {

namespace {

constexpr std::size_t copy_bytes = 256 * 1024;

std::string part_path(const std::string& path) {
  return path + ".part";
}

}  // namespace

base::Status LogBody::spill(OutputFolder& folder, const std::string& path) {
  if (text_.empty()) return {};
  auto file = spilled_ == 0 ? folder.create(part_path(path)) : folder.files().open_write(part_path(path), base::OpenMode::append_own);
  if (!file) return base::pass(file);
  const std::string_view pieces[] = {text_};
  if (auto done = (*file)->append(pieces); !done) return done;
  spilled_ += text_.size();
  std::string().swap(text_);  // clear() would keep the memory
  return {};
}

base::Status LogBody::copy_spilled(OutputFolder& folder, const std::string& path, base::WritableFile& to) {
  auto from = folder.files().open_read(part_path(path));
  if (!from) return base::pass(from);
  std::string buffer(copy_bytes, '\0');
  for (std::uint64_t at = 0; at < spilled_;) {
    const auto got = (*from)->read_at(at, buffer);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return base::fail(base::ErrorCode::io_error, fmt::format("{} was cut by somebody else", part_path(path)));
    const std::string_view pieces[] = {std::string_view(buffer).substr(0, *got)};
    if (auto done = to.append(pieces); !done) return done;
    at += *got;
  }
  return {};
}

base::Status LogBody::place(OutputFolder& folder, const std::string& path, std::string_view header) {
  const std::string temporary = path + ".tmp";
  auto file = folder.create(temporary);
  if (!file) return base::pass(file);
  const std::string_view first[] = {header};
  auto done = (*file)->append(first);
  if (done && spilled_ > 0) done = copy_spilled(folder, path, **file);
  const std::string_view last[] = {text_};
  if (done) done = (*file)->append(last);
  if (done) done = folder.files().rename(temporary, path);
  if (!done) {
    // The first error counts; what cannot be removed now is removed by the next attempt.
    static_cast<void>(folder.remove_if_there(temporary));
    return done;
  }
  drop(folder, path);
  return {};
}

void LogBody::drop(OutputFolder& folder, const std::string& path) {
  // A leftover does no harm: the next one of its name replaces it.
  if (spilled_ > 0) static_cast<void>(folder.remove_if_there(part_path(path)));
  spilled_ = 0;
  std::string().swap(text_);
}

void TestLog::add(const FormattedLine& line, bool gap, bool error, bool shared) {
  if (!gap) counts_.add(error, shared);
  const std::size_t begin = log_.text().size();
  line.append_to(log_.text(), shared);
  const std::string_view added = std::string_view(log_.text()).substr(begin);
  digest_ = (digest_ ^ base::hash64(added)) * 0x9E3779B97F4A7C15ull + (error ? 1 : 0);
  if (error) errors_.text() += added;
}

std::size_t TestLog::memory() {
  return log_.text().capacity() + errors_.text().capacity();
}

base::Status TestLog::spill(OutputFolder& folder, std::string_view stem) {
  if (auto done = log_.spill(folder, folder.test_path(stem, TestFile::log)); !done) return done;
  return errors_.spill(folder, folder.test_path(stem, TestFile::errors));
}

base::Status TestLog::place(OutputFolder& folder, std::string_view stem, std::string_view header) {
  const std::string errors = folder.test_path(stem, TestFile::errors);
  auto done = errors_.empty() ? folder.remove_if_there(errors) : errors_.place(folder, errors, header);
  if (!done) return done;
  return log_.place(folder, folder.test_path(stem, TestFile::log), header);
}

void TestLog::drop(OutputFolder& folder, std::string_view stem) {
  log_.drop(folder, folder.test_path(stem, TestFile::log));
  errors_.drop(folder, folder.test_path(stem, TestFile::errors));
}

}  // namespace telltale::runs
