// The relay's process (`telltale relay`), for sources/relay: its signals, and how it finds engines.
#pragma once

#include "app/engine_finder.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "sources/relay/control.h"

namespace telltale::app {

// The control socket; invalid_argument when it is none, for then nobody started a relay but a hand.
base::Result<sources::ControlChannel> relay_control();

// Once a process, from its first thread. Ignores the signals that end programs, for the relay ends after its starter and the programs do.
// Returns as Relay::run() does.
base::Status run_relay(const base::Clock& clock, base::Random& random, EngineFinder& finder, sources::ControlChannel control);

}  // namespace telltale::app
