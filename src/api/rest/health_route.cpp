// GET /health.
#include <algorithm>
#include <string>
#include <vector>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "base/text.h"
#include "runs/files/run_files.h"

namespace telltale::api {

using base::Result;

namespace {

enum class Health : std::uint8_t { healthy, degraded, unhealthy };

std::string_view health_name(Health health) {
  static constexpr std::string_view names[] = {"healthy", "degraded", "unhealthy"};
  return names[static_cast<std::size_t>(health)];
}

struct Component {
  std::string name;
  Health health = Health::healthy;
  std::string detail;
};

// A full disk, or one that takes no writing, is unhealthy: what is written now cannot be kept. A source that cannot read all of its streams
// is degraded: the others go on. So is a catalog with something wrong: capture goes on without it. So are files of runs that cannot be
// written: the store has all.
std::vector<Component> components(const ApiDependencies& parts) {
  std::vector<Component> all;
  const store::StoreStats stats = parts.store.stats();
  Component store{"store", Health::healthy, ""};
  if (stats.disk_full) {
    store.health = Health::unhealthy;
    store.detail = "The disk is full: capture waits and goes on by itself when there is space. Free some or lower store.retention_bytes.";
  }
  if (!stats.disk_full && !stats.trouble.empty()) {
    store.health = Health::unhealthy;
    store.detail = "Nothing can be written: capture waits and goes on by itself when it can. " + stats.trouble;
  }
  all.push_back(std::move(store));
  Component catalog{"catalog", Health::healthy, ""};
  for (const std::string& warning : parts.catalog_warnings()) {
    catalog.health = Health::degraded;
    catalog.detail += (catalog.detail.empty() ? "" : " ") + warning;
  }
  all.push_back(std::move(catalog));
  for (const sources::Source* source : parts.sources) {
    sources::SourceHealth health = source->health();
    all.push_back({"source " + health.name, health.healthy ? Health::healthy : Health::degraded, std::move(health.detail)});
  }
  const std::size_t open = parts.registry.open_runs();
  all.push_back({"runs", Health::healthy, open == 0 ? "" : std::to_string(open) + (open == 1 ? " run is open" : " runs are open")});
  std::string trouble = parts.files == nullptr ? std::string() : parts.files->trouble();
  all.push_back({"run files", trouble.empty() ? Health::healthy : Health::degraded, std::move(trouble)});
  all.push_back({"hub", Health::healthy, ""});
  return all;
}

net::Response health_response(const std::vector<Component>& all, bool details) {
  Health worst = Health::healthy;
  for (const Component& component : all) worst = std::max(worst, component.health);
  std::string body = "{\"status\":\"" + std::string(health_name(worst)) + "\"";
  if (details) {
    body += ",\"components\":[";
    for (const Component& component : all) {
      if (body.back() != '[') body.push_back(',');
      body += "{\"name\":";
      base::append_json_string(body, component.name);
      body += ",\"status\":\"" + std::string(health_name(component.health)) + "\",\"detail\":";
      base::append_json_string(body, component.detail);
      body.push_back('}');
    }
    body.push_back(']');
  }
  net::Response response = json_response(body + "}");
  response.status = worst == Health::unhealthy ? 503 : 200;
  return response;
}

}  // namespace

void handle_health(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  context.answer_on(parts.blocking, call,
                    [&parts, call]() -> Result<net::Response> { return health_response(components(parts), call->trusted); });
}

}  // namespace telltale::api
