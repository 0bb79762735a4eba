#include "app/engine_finder.h"

#include <utility>

#include "app/settings.h"
#include "net/http/client.h"

namespace telltale::app {

using base::Result;

namespace {

constexpr std::int64_t start_pause_ns = 10 * base::nanos_per_second;  // an attempt costs as much as a program's start

bool is_on_this_machine(const std::string& url_text) {
  const auto url = net::parse_url(url_text);
  return url && is_loopback(url->host);
}

}  // namespace

EngineFinder::EngineFinder(base::Files& files, const base::Clock& clock, EngineLifeOptions options, std::string heir)
    : files_(files), clock_(clock), options_(std::move(options)), heir_(std::move(heir)) {}

Result<EngineAddress> EngineFinder::find(bool may_start) {
  if (options_.url) return find_named();
  EngineLife life(files_, clock_, options_);
  if (!may_start || clock_.mono() < next_start_) return life.attach();
  auto started = life.start();
  if (!started) next_start_ = clock_.mono() + start_pause_ns;
  return started;
}

// An engine that was killed comes back with another port and another token: its data folder tells both. It is not started here, for whoever
// named it has it in hand.
Result<EngineAddress> EngineFinder::find_named() {
  auto named = EngineLife(files_, clock_, options_).attach();
  if (!is_on_this_machine(*options_.url)) return named;
  if (named) {
    if (!named->data_folder.empty()) heir_ = named->data_folder;
    return named;
  }
  if (heir_.empty()) return named;
  EngineLifeOptions options = options_;
  options.url.reset();
  options.data_folder = heir_;
  auto found = EngineLife(files_, clock_, std::move(options)).attach();
  return found ? found : named;
}

}  // namespace telltale::app
