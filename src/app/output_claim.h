// A run's folder of files, claimed by its client: locked, and marked so that the engine can see whose it is (docs/reference/run-files.md).
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "runs/model/run.h"

namespace telltale::app {

class OutputClaim {
 public:
  // `wanted` (absolute), or `wanted-RUN` while another run holds that one. Made when it is missing; the errors of files.
  static base::Result<OutputClaim> make(base::Files& files, base::Random& random, const std::string& wanted, const std::string& run);

  // For run_started.
  const runs::Output& output() const { return output_; }

 private:
  OutputClaim(std::unique_ptr<base::FileLock> lock, runs::Output output) : lock_(std::move(lock)), output_(std::move(output)) {}

  std::unique_ptr<base::FileLock> lock_;
  runs::Output output_;
};

}  // namespace telltale::app
