#include "app/run_parts.h"

#include <utility>

namespace telltale::app {

RunParts::RunParts(RunPorts ports) : ports_(std::move(ports)), scratch_(ports_.rules), watches_(ports_.file_source) {
  run_files_ = std::make_unique<runs::RunFiles>(runs::RunFilesPorts{.files = ports_.files,
                                                                    .clock = ports_.clock,
                                                                    .zone = zone_,
                                                                    .reader = ports_.store,
                                                                    .hub = ports_.hub,
                                                                    .metrics = ports_.metrics,
                                                                    .barrier = ports_.barrier,
                                                                    .sink = &ports_.store.sink(),
                                                                    .positions = ports_.store.positions()});
}

RunParts::~RunParts() {
  stop();
}

base::Result<std::unique_ptr<RunParts>> RunParts::open(RunPorts ports) {
  std::unique_ptr<RunParts> parts(new RunParts(std::move(ports)));
  if (auto opened = parts->open_registry(); !opened) return base::pass(opened);
  return parts;
}

base::Status RunParts::open_registry() {
  runs::RegistryPorts ports{.clock = ports_.clock,
                            .reader = ports_.store,
                            .sink = &ports_.store.sink(),
                            .positions = ports_.store.positions(),
                            .flush = [this](std::int64_t timeout_ns) { return ports_.store.flush(false, timeout_ns); },
                            .streams = [this] { return ports_.catalog.streams(); },
                            .redact = [this](std::string_view text) { return redact(text); },
                            .metrics = &ports_.metrics};
  runs::RegistryOptions options;
  options.services = ports_.services;
  auto opened = runs::Registry::open(std::move(ports), std::move(options), {run_files_.get(), &watches_});
  if (!opened) return base::pass(opened);
  registry_ = std::move(*opened);
  attributor_ = std::make_unique<const runs::Attributor>(*registry_, ports_.grace_ns);
  runs::ClockEstimatorOptions clocks;
  clocks.host = ports_.host;
  clocks_ = std::make_unique<runs::ClockEstimator>(*registry_, ports_.clock, std::move(clocks));
  return {};
}

void RunParts::start() {
  run_files_->start(*registry_, *attributor_);
  registry_->start();
  clocks_->start();
}

void RunParts::stop() {
  if (clocks_ != nullptr) clocks_->stop();
  if (registry_ != nullptr) registry_->stop();
  run_files_->stop();
}

bool RunParts::has_open_runs() const {
  return registry_->open_runs() > 0 || run_files_->busy();
}

std::string RunParts::redact(std::string_view text) {
  base::MutexLock lock(scratch_mutex_);
  return ports_.rules.redact_text(text, scratch_);
}

}  // namespace telltale::app
