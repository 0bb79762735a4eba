#include "sources/launch/service_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/environments.h"

namespace telltale::sources {

using State = Service::State;

ServiceSet::ServiceSet(const std::vector<config::ServiceConfig>& services, ServiceSetOptions options, ServiceSetPorts ports)
    : options_(std::move(options)), ports_(std::move(ports)), tasks_("services") {
  for (const std::size_t place : config::start_order(services)) {
    if (services[place].command.empty()) continue;
    const std::size_t index = services_.size();
    const ServicePorts given{ports_.loop, ports_.clock, ports_.files, ports_.keeper, tasks_, ports_.redact};
    services_.push_back({std::make_unique<Service>(services[place], given, events_of(index))});
  }
}

ServiceSet::~ServiceSet() {
  for (auto& held : services_) held.service.reset();
  tasks_.close();
}

ServiceEvents ServiceSet::events_of(std::size_t index) {
  const auto name = [this, index] { return services_[index].service->name(); };
  return {.on_started = [this, name](std::int64_t pid) { ports_.listener.on_started(name(), pid); },
          .on_ready =
              [this, name] {
                ports_.listener.on_ready(name());
                start_next();
              },
          .on_failed =
              [this, name](const ServiceFailure& failure) {
                ports_.listener.on_failed(name(), failure);
                start_next();
              },
          .on_ended = [this, name,
                       index](const ExitStatus& status) { ports_.listener.on_ended(name(), status, services_[index].asked_to_end); },
          .on_over =
              [this, index] {
                services_[index].over = true;
                ++over_;
                end_next();
              }};
}

Service* ServiceSet::find(const std::string& name) const {
  const auto found = std::ranges::find_if(services_, [&](const Held& held) { return held.service->name() == name; });
  return found == services_.end() ? nullptr : found->service.get();
}

void ServiceSet::on_ready_line(std::uint32_t stream) {
  for (auto& held : services_) held.service->on_ready_line(stream);
}

void ServiceSet::start() {
  start_next();
}

void ServiceSet::start_next() {
  if (ending_) return;
  // Starting one may settle others within the call, so the round is begun anew.
  while (std::ranges::any_of(services_, [this](Held& held) { return start_if_it_can(*held.service); })) {
  }
}

// True when something changed.
bool ServiceSet::start_if_it_can(Service& service) {
  if (service.state() != State::waiting) return false;
  for (const std::string& name : service.after()) {
    const Service* const needed = find(name);
    if (needed == nullptr || needed->state() == State::ready) continue;
    if (needed->state() != State::failed) return false;
    service.fail(fmt::format("was not started: it comes after '{}', which is not ready", name));
    return true;
  }
  service.start(options_.environment);
  return true;
}

bool ServiceSet::is_settled() const {
  return std::ranges::all_of(services_, [](const Held& held) { return held.service->is_settled(); });
}

void ServiceSet::end() {
  if (ending_) return;
  ending_ = true;
  end_next();
}

bool ServiceSet::is_needed(const Service& service) const {
  return std::ranges::any_of(services_, [&](const Held& other) {
    return !other.over && std::ranges::find(other.service->after(), service.name()) != other.service->after().end();
  });
}

void ServiceSet::end_next() {
  for (auto held = services_.rbegin(); held != services_.rend(); ++held) {
    if (held->asked_to_end || (!killing_ && is_needed(*held->service))) continue;
    held->asked_to_end = true;
    held->service->end(killing_ ? 0 : options_.grace_ns);
  }
}

void ServiceSet::kill() {
  ending_ = true;
  killing_ = true;
  for (auto& held : services_) held.service->kill();
  end_next();
}

}  // namespace telltale::sources
