#include "app/offline.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "api/rest/application.h"
#include "app/run_audit.h"
#include "app/settings.h"
#include "app/version.h"
#include "live/hub.h"
#include "net/http/target.h"
#include "runs/attribution/attributor.h"
#include "runs/registry/registry.h"
#include "store/catalog/stream_index.h"
#include "store/engine/store.h"
#include "store/engine/store_id.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace telltale::app {

namespace {

// Everything is done where it is asked for: there is one caller, and it waits.
class InlineExecutor final : public api::Executor {
 public:
  bool post(std::function<void()> task) override {
    task();
    return true;
  }
};

// The caller can read the files anyway: no token is asked for.
class NoTokens final : public api::TokenChecker {
 public:
  base::Result<api::Principal> check(std::string_view) const override {
    return base::fail(base::ErrorCode::unauthorized, "there are no tokens without an engine");
  }
};

class ReadOnlyEngine final : public OfflineEngine {
 public:
  ReadOnlyEngine(std::unique_ptr<store::StoreReader> reader, std::string_view key, std::unique_ptr<runs::Registry> registry,
                 base::Files& files, const base::Clock& clock, const config::Config& config)
      : reader_(std::move(reader)),
        hasher_(key),
        registry_(std::move(registry)),
        attributor_(*registry_, config.runs.grace_ns),
        audit_(files, clock, *registry_, *reader_, hasher_, config.pipeline.max_line_bytes, {}),
        hub_(0) {
    api::ApiSettings settings;
    settings.version = version();
    settings.data_folder = config.store.data;
    settings.pid = ::getpid();
    settings.require_token = false;
    application_ = api::make_application(
        {.sources = {},
         .store = *reader_,
         .flush = [this](bool, std::int64_t) { return base::Result<store::Committed>(all_written()); },
         .stream_summaries = [this] { return summaries(); },
         .catalog_warnings = [] { return std::vector<std::string>(); },
         .registry = *registry_,
         .attributor = attributor_,
         .hub = hub_,
         .metrics = metrics_,
         .clock = clock,
         .tokens = tokens_,
         .queries = executor_,
         .blocking = executor_,
         .events = executor_,
         .listeners = [] { return std::vector<api::ListenerInfo>(); },
         .settings = std::move(settings),
         .audit = [this](const std::string& run, const runs::AuditOptions& asked) { return audit_.run(run, asked); }});
  }

  net::Response get(std::string_view text) override {
    auto target = net::parse_target(text);
    if (!target) return net::problem(target.error());
    net::Request request;
    request.method = "GET";
    request.target = text;
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    request.headers = {{"host", "127.0.0.1"}};
    request.remote = "127.0.0.1:0";
    net::Response answer = net::problem({base::ErrorCode::internal, "the request was dropped without an answer", {}});
    application_->handle(std::move(request), [&answer](net::Response response) { answer = std::move(response); });
    return answer;
  }

 private:
  store::Committed all_written() const { return {reader_->stats().next_sequence}; }
  std::vector<store::StreamSummary> summaries() const;

  const std::unique_ptr<store::StoreReader> reader_;
  const base::KeyedHasher hasher_;
  const std::unique_ptr<runs::Registry> registry_;
  const runs::Attributor attributor_;
  const RunAudit audit_;
  live::Hub hub_;
  telemetry::Metrics metrics_;
  InlineExecutor executor_;
  NoTokens tokens_;
  std::unique_ptr<net::Application> application_;
};

// The catalog belongs to the engine: the records themselves are counted.
std::vector<store::StreamSummary> ReadOnlyEngine::summaries() const {
  std::map<record::StreamId, store::StreamSummary> found;
  const auto count = [&](const record::CommittedBatchRef& batch) {
    store::digest(*batch, 0, ~record::Sequence{0}, [&](const store::Digest& part) {
      const auto [entry, is_new] = found.try_emplace(part.stream->id);
      store::StreamSummary& summary = entry->second;
      if (is_new) summary = {part.stream, part.first_sequence, 0, part.first_observed, part.last_observed, 0, 0, 0};
      summary.last_sequence = part.last_sequence;
      summary.first_observed = std::min(summary.first_observed, part.first_observed);
      summary.last_observed = std::max(summary.last_observed, part.last_observed);
      summary.records += part.records;
      summary.errors += part.errors;
      summary.gaps += part.gaps;
    });
    return store::ScanStep::go_on;
  };
  if (const auto scanned = reader_->scan({}, [](const record::Stream&) { return true; }, count); !scanned) {
    telemetry::log(telemetry::LogLevel::warning, "store", "counts of streams are not complete: {}", scanned.error().message());
  }
  std::vector<store::StreamSummary> all;
  for (auto& [id, summary] : found) all.push_back(std::move(summary));
  return all;
}

}  // namespace

base::Result<std::unique_ptr<OfflineEngine>> OfflineEngine::open(const config::Config& config, base::Files& files,
                                                                 const base::Clock& clock) {
  auto reader = store::open_read_only(files, config.store.data);
  if (!reader) return base::pass(reader);
  auto id = store::read_store_id(files, config.store.data);
  if (!id) return base::pass(id);
  runs::RegistryOptions options;
  options.services = services_of_runs(config);
  auto registry = runs::Registry::open({.clock = clock, .reader = **reader}, std::move(options));
  if (!registry) return base::pass(registry);
  return std::make_unique<ReadOnlyEngine>(std::move(*reader), id->key, std::move(*registry), files, clock, config);
}

}  // namespace telltale::app
