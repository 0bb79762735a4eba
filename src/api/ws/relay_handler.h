// A relay's WebSocket: its messages go to the process source, which answers them (docs/reference/process-source.md).
#pragma once

#include <memory>

#include "net/ws/ws.h"
#include "sources/process/process_source.h"

namespace telltale::api {

// `source` outlives the connection.
std::unique_ptr<net::WsHandler> make_relay_handler(sources::ProcessSource& source);

}  // namespace telltale::api
