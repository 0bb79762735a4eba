// The services of an environment: started each after those it needs, ended in reverse order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "sources/launch/service.h"

namespace telltale::sources {

struct ServiceSetOptions {
  std::vector<std::string> environment;                // of all programs: NAME=value
  std::int64_t grace_ns = 5 * base::nanos_per_second;  // between SIGTERM and SIGKILL
};

// What happens to services; called on the loop's thread.
class ServiceListener {
 public:
  virtual ~ServiceListener() = default;
  virtual void on_started(const std::string& service, std::int64_t pid) = 0;
  virtual void on_ready(const std::string& service) = 0;
  virtual void on_failed(const std::string& service, const ServiceFailure& failure) = 0;
  // `asked`: by end().
  virtual void on_ended(const std::string& service, const ExitStatus& status, bool asked) = 0;
};

struct ServiceSetPorts {
  Loop& loop;
  const base::Clock& clock;
  base::Files& files;
  RelayKeeper& keeper;
  std::function<std::string(std::string_view)> redact;
  ServiceListener& listener;
};

// The loop's thread alone.
class ServiceSet {
 public:
  // Those with a command are started; the others of `services` count as ready.
  ServiceSet(const std::vector<config::ServiceConfig>& services, ServiceSetOptions options, ServiceSetPorts ports);
  ~ServiceSet();
  ServiceSet(const ServiceSet&) = delete;
  ServiceSet& operator=(const ServiceSet&) = delete;

  std::size_t size() const { return services_.size(); }
  // The keeper's on_ready.
  void on_ready_line(std::uint32_t stream);
  // Starts all that need nothing; the others follow as those become ready.
  void start();
  // Each is ready or has failed.
  bool is_settled() const;
  // Begins the end: a service is asked when those that need it have ended.
  void end();
  // What has not ended yet is killed.
  void kill();
  bool is_over() const { return ending_ && over_ == services_.size(); }

 private:
  struct Held {
    std::unique_ptr<Service> service;
    bool asked_to_end = false;
    bool over = false;
  };
  Service* find(const std::string& name) const;
  ServiceEvents events_of(std::size_t index);
  void start_next();
  bool start_if_it_can(Service& service);
  void end_next();
  bool is_needed(const Service& service) const;

  const ServiceSetOptions options_;
  const ServiceSetPorts ports_;
  std::vector<Held> services_;  // in the order of starting
  bool ending_ = false;
  bool killing_ = false;
  std::size_t over_ = 0;
  base::TaskGroup tasks_;
};

}  // namespace telltale::sources
