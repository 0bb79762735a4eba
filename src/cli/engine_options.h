// How commands look for an engine and start one.
#pragma once

#include "app/engine_life.h"
#include "base/error.h"
#include "cli/context.h"

namespace telltale::cli {

// From --url, TELLTALE_URL, TELLTALE_TOKEN, --data, --config and --set; errors of the settings.
base::Result<app::EngineLifeOptions> engine_life_options(Context& context);

}  // namespace telltale::cli
