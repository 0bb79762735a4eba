#include "app/relay_main.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <utility>

#include "sources/relay/relay.h"

namespace telltale::app {

namespace {

constexpr std::size_t name_bytes = 8;

bool is_socket(int descriptor) {
  struct stat about{};
  return ::fstat(descriptor, &about) == 0 && S_ISSOCK(about.st_mode);
}

}  // namespace

base::Result<sources::ControlChannel> relay_control() {
  if (!is_socket(sources::relay_control_descriptor) || ::fcntl(sources::relay_control_descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    return base::fail(base::ErrorCode::invalid_argument, "descriptor 3 is no socket: nobody tells this relay what to do",
                      "Use `telltale run` or `telltale services start`, which start relays.");
  }
  return sources::ControlChannel(base::Descriptor(sources::relay_control_descriptor));
}

base::Status run_relay(const base::Clock& clock, base::Random& random, EngineFinder& finder, sources::ControlChannel control) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  sources::RelayOptions options;
  options.relay = base::random_hex(random, name_bytes);
  sources::RelayPorts ports{.clock = clock, .find_engine = [&finder](bool may_start) -> base::Result<sources::EngineTarget> {
                              auto engine = finder.find(may_start);
                              if (!engine) return base::pass(engine);
                              return sources::EngineTarget{std::move(engine->url), std::move(engine->token)};
                            }};
  return sources::Relay(std::move(options), std::move(ports), std::move(control)).run();
}

}  // namespace telltale::app
