// The handlers of the routes, and the table of all of them.
#pragma once

#include <vector>

#include "api/rest/router.h"

namespace telltale::api {

void handle_query(const RestContext& context, const CallRef& call);
void handle_count(const RestContext& context, const CallRef& call);
void handle_gaps(const RestContext& context, const CallRef& call);

void handle_streams(const RestContext& context, const CallRef& call);
void handle_labels(const RestContext& context, const CallRef& call);
void handle_label_values(const RestContext& context, const CallRef& call);

void handle_health(const RestContext& context, const CallRef& call);
void handle_metrics(const RestContext& context, const CallRef& call);
void handle_openapi(const RestContext& context, const CallRef& call);
void handle_stats(const RestContext& context, const CallRef& call);
void handle_status(const RestContext& context, const CallRef& call);
void handle_barrier(const RestContext& context, const CallRef& call);

void handle_events(const RestContext& context, const CallRef& call);
void handle_runs(const RestContext& context, const CallRef& call);
void handle_run(const RestContext& context, const CallRef& call);
void handle_report(const RestContext& context, const CallRef& call);
void handle_audit(const RestContext& context, const CallRef& call);
void handle_tests(const RestContext& context, const CallRef& call);
void handle_test(const RestContext& context, const CallRef& call);
void handle_test_logs(const RestContext& context, const CallRef& call);

const std::vector<Route>& all_routes();

}  // namespace telltale::api
