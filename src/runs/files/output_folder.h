// The folder that a run's files go to: proof that it is the one its client means, and all that is done in it.
//
// The client writes `.telltale-run` with the run's id and a nonce into its folder and tells both to the engine. Only a file of this user
// with just that content proves that both see the same folder. Nothing is written through symbolic links, and nothing but regular files of
// this user is appended to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/time_zone.h"
#include "runs/files/names.h"
#include "runs/model/run.h"

namespace telltale::runs {

inline constexpr std::string_view run_mark_file = ".telltale-run";
inline constexpr std::string_view test_logs_folder = "test_logs";
inline constexpr std::size_t kept_rotated_files = 5;  // of each service and kind

// One thread at a time.
class OutputFolder {
 public:
  OutputFolder(base::Files& files, std::string run, Output output);

  const std::string& path() const { return output_.folder; }
  // That the folder is there and is the run's. invalid_argument for names that are refused, file_not_found, permission_denied.
  base::Status check() const;
  // The folder of the tests' files; made when it is missing.
  base::Status make_test_folder();

  std::string service_path(std::string_view service, ServiceFile kind) const;
  std::string test_path(std::string_view stem, TestFile kind) const;

  // Gives the services' files of earlier runs other names and removes the oldest of them.
  base::Status rotate(const base::TimeZone& zone);

  // A new file of that name: what has it now is removed.
  base::Result<std::unique_ptr<base::WritableFile>> create(const std::string& path);
  // Whether a test may have that name: nothing has it, or a file that was begun for the test.
  base::Result<bool> may_take(const std::string& path, std::string_view test_id) const;
  base::Status remove_if_there(const std::string& path);
  base::Files& files() const { return files_; }

 private:
  base::Status check_name() const;
  base::Status check_kind(const base::Result<base::FileInfo>& info, const std::string& path, base::FileKind kind) const;
  base::Status rotate_one(const std::string& name, const base::TimeZone& zone);
  base::Status prune();

  base::Files& files_;
  const std::string run_;
  const Output output_;
};

// Where a test's files are; empty where there is none. For readers of finished runs: looks into the files.
struct TestFiles {
  std::string log;
  std::string errors;
};
TestFiles find_test_files(base::Files& files, const std::string& folder, const Test& test);

}  // namespace telltale::runs
