// Runs and tests as the API shows them (schema/openapi.yaml: RunSummary, Test).
#pragma once

#include <string>

#include "api/wire/json_output.h"
#include "runs/model/run.h"

namespace telltale::api {

// The members of a run that need no look at its records, without `output`.
void append_run_members(JsonObject& object, const runs::Run& run);
void append_output_members(JsonObject& object, const runs::Run& run);
void append_run(std::string& out, const runs::Run& run);
void append_test(std::string& out, const runs::Test& test);

}  // namespace telltale::api
