#include "app/output_claim.h"

#include <utility>

#include <fmt/format.h>

#include "runs/files/output_folder.h"

namespace telltale::app {

namespace {

constexpr const char* lock_file = ".telltale-run.lock";
constexpr std::size_t nonce_bytes = 16;

base::Result<std::unique_ptr<base::FileLock>> take(base::Files& files, const std::string& folder, const std::string& run) {
  if (auto made = files.make_directories(folder); !made) return base::pass(made);
  return files.lock(base::join_path(folder, lock_file), fmt::format("run {}\n", run));
}

}  // namespace

base::Result<OutputClaim> OutputClaim::make(base::Files& files, base::Random& random, const std::string& wanted, const std::string& run) {
  runs::Output output{wanted, base::random_hex(random, nonce_bytes)};
  auto held = take(files, output.folder, run);
  if (!held && held.error().code == base::ErrorCode::store_locked) {
    output.folder = fmt::format("{}-{}", wanted, run);
    held = take(files, output.folder, run);
  }
  if (!held) return base::pass(held);
  const std::string mark = fmt::format("{{\"run\":\"{}\",\"nonce\":\"{}\"}}\n", run, output.nonce);  // neither needs escapes
  const auto written = base::write_file_atomically(files, base::join_path(output.folder, runs::run_mark_file), mark);
  if (!written) return std::unexpected(written.error());
  return OutputClaim(std::move(*held), std::move(output));
}

}  // namespace telltale::app
