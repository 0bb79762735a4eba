// Events of runs that commands send.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "runs/model/event.h"

namespace telltale::cli {

// At this moment.
runs::Event make_event(const Context& context, std::string id, runs::EventBody body);
// The engine's answer when they are kept; its warnings are shown.
base::Result<boost::json::object> send_events(Remote& engine, const std::string& run, const std::vector<runs::Event>& events);

}  // namespace telltale::cli
