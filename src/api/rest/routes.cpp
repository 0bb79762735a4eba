#include "api/rest/handlers.h"

namespace telltale::api {

const std::vector<Route>& all_routes() {
  static const std::vector<Route> routes = {
      {"GET", "/health", Role::viewer, handle_health, Exposure::health},
      {"GET", "/metrics", Role::viewer, handle_metrics, Exposure::exporter},
      {"GET", "/openapi.yaml", Role::viewer, handle_openapi},
      {"GET", "/api/v1/query", Role::viewer, handle_query},
      {"GET", "/api/v1/count", Role::viewer, handle_count},
      {"GET", "/api/v1/gaps", Role::viewer, handle_gaps},
      {"GET", "/api/v1/streams", Role::viewer, handle_streams},
      {"GET", "/api/v1/labels", Role::viewer, handle_labels},
      {"GET", "/api/v1/labels/{name}/values", Role::viewer, handle_label_values},
      {"GET", "/api/v1/stats", Role::viewer, handle_stats},
      {"GET", "/api/v1/status", Role::viewer, handle_status},
      {"POST", "/api/v1/barrier", Role::viewer, handle_barrier},
      {"POST", "/api/v1/runs/{run}/events", Role::ingester, handle_events},
      {"GET", "/api/v1/runs", Role::viewer, handle_runs},
      {"GET", "/api/v1/runs/{run}", Role::viewer, handle_run},
      {"GET", "/api/v1/runs/{run}/report", Role::viewer, handle_report},
      {"GET", "/api/v1/runs/{run}/audit", Role::viewer, handle_audit},
      {"GET", "/api/v1/tests", Role::viewer, handle_tests},
      {"GET", "/api/v1/tests/{test}", Role::viewer, handle_test},
      {"GET", "/api/v1/tests/{test}/logs", Role::viewer, handle_test_logs},
  };
  return routes;
}

}  // namespace telltale::api
