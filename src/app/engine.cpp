#include "app/engine.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "api/auth/token_checker.h"
#include "api/rest/application.h"
#include "app/activity.h"
#include "app/commit_fanout.h"
#include "app/engine_file.h"
#include "app/line_times.h"
#include "app/pool.h"
#include "app/run_audit.h"
#include "app/run_parts.h"
#include "app/settings.h"
#include "app/version.h"
#include "base/mutex.h"
#include "live/hub.h"
#include "net/http/server.h"
#include "pipeline/flow/workers.h"
#include "pipeline/rules/rules.h"
#include "sources/file/file_source.h"
#include "sources/process/process_source.h"
#include "store/catalog/catalog.h"
#include "store/engine/store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace telltale::app {

namespace {

using base::Status;
using telemetry::LogLevel;

constexpr std::size_t ring_bytes = 32 * 1024 * 1024;  // about a second of 100,000 lines/s: what a live reader may fall behind
constexpr std::int64_t flush_timeout_ns = 10 * base::nanos_per_second;
constexpr std::int64_t summaries_timeout_ns = 2 * base::nanos_per_second;
constexpr std::int64_t stop_grace_ns = 2 * base::nanos_per_second;
constexpr unsigned query_threads = 2;
constexpr unsigned blocking_threads = 4;
constexpr unsigned event_threads = 2;
constexpr unsigned audit_threads = 1;
constexpr std::size_t max_waiting_tasks = 64;

// Tokens that `telltale token` made.
class CatalogTokens final : public api::TokenChecker {
 public:
  explicit CatalogTokens(const store::Catalog& catalog) : catalog_(catalog) {}
  base::Result<api::Principal> check(std::string_view token) const override {
    const auto holder = catalog_.check_token(token);
    const auto roles = holder ? api::parse_roles(holder->roles) : std::nullopt;
    if (!roles) return base::fail(base::ErrorCode::unauthorized, "the token is not known to this engine");
    if (!holder->scope.empty()) {  // a scope that is not enforced must not open everything
      return base::fail(base::ErrorCode::forbidden,
                        fmt::format("the token {} of '{}' is limited to {}, and this version cannot hold it to that", holder->id,
                                    holder->name, holder->scope),
                        "Use a token without a scope, made by `telltale token create`.");
    }
    return api::Principal{holder->name, *roles};
  }

 private:
  const store::Catalog& catalog_;
};

class PoolExecutor final : public api::Executor {
 public:
  PoolExecutor(const std::string& name, unsigned threads) : pool_(name, threads, max_waiting_tasks) {}
  bool post(std::function<void()> task) override { return pool_.post(std::move(task)); }
  void close() { pool_.close(); }

 private:
  Pool pool_;
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(const config::Config& config, base::Files& files, base::Clock& clock, base::Random& random)
      : config_(config), files_(files), clock_(clock), random_(random), hub_(ring_bytes) {
    info_.version = version();
    info_.data_folder = config.store.data;
  }
  ~EngineImpl() override {
    if (const auto stopped = stop(); !stopped) telemetry::log(LogLevel::error, "engine", "stopping: {}", stopped.error().message());
  }

  const EngineInfo& info() const override { return info_; }
  bool end_if_idle(std::int64_t idle_ns) override { return activity_->end_if_idle(idle_ns); }

  // The order of starting; stop() is its reverse.
  Status start(const std::function<bool()>& should_stop) {
    using Step = Status (EngineImpl::*)();
    for (const Step step : {&EngineImpl::check_settings, &EngineImpl::start_store, &EngineImpl::start_catalog, &EngineImpl::start_pipeline,
                            &EngineImpl::make_sources, &EngineImpl::open_runs, &EngineImpl::start_relays, &EngineImpl::start_sources,
                            &EngineImpl::start_server, &EngineImpl::announce}) {
      if (should_stop()) return base::fail(base::ErrorCode::cancelled, "stopped by a signal while starting");
      if (auto done = (this->*step)(); !done) return done;
    }
    return {};
  }

  Status stop() override {
    Status first;
    const auto keep = [&](Status status) {
      if (!status && first) first = std::move(status);
    };
    if (announced_) keep(remove_engine_file(files_, config_.store.data, *announced_));
    announced_.reset();
    if (file_source_ != nullptr) file_source_->stop();
    if (process_source_ != nullptr) process_source_->stop();
    if (workers_ != nullptr) workers_->stop();
    if (runs_ != nullptr) runs_->stop();
    if (store_ != nullptr) {
      if (auto flushed = store_->flush(true, flush_timeout_ns); !flushed) keep(base::pass(flushed));
    }
    if (audit_ != nullptr) audit_->stop();
    if (server_ != nullptr) server_->stop(stop_grace_ns);
    if (queries_ != nullptr) queries_->close();
    if (blocking_ != nullptr) blocking_->close();
    if (events_ != nullptr) events_->close();
    if (audits_ != nullptr) audits_->close();
    server_.reset();
    activity_.reset();
    application_.reset();
    audit_.reset();
    fanout_.clear();
    runs_.reset();
    if (catalog_ != nullptr) keep(catalog_->close());
    if (store_ != nullptr) keep(store_->close());
    file_source_.reset();
    process_source_.reset();
    workers_.reset();
    catalog_tokens_.reset();
    catalog_.reset();
    store_.reset();
    return first;
  }

 private:
  Status check_settings() {
    auto exposure = check_exposure(config_.server);
    if (!exposure) return base::pass(exposure);
    if (*exposure) info_.warnings.push_back(**exposure);
    auto zone = zone_offset_seconds(config_.pipeline.assume_zone, clock_.wall());
    if (!zone) return base::pass(zone);
    zone_offset_seconds_ = *zone;
    telemetry::add_process_metrics(metrics_);
    return {};
  }

  Status start_store() {
    auto opened = store::Store::open(files_, clock_, random_, metrics_, store_options(config_), {&hub_, &fanout_});
    if (!opened) return base::pass(opened);
    store_ = std::move(*opened);
    return {};
  }

  Status start_catalog() {
    auto opened = store::Catalog::open(config_.store.data, files_, clock_, random_, store_.get());
    if (!opened) return base::pass(opened);
    catalog_ = std::move(*opened);
    for (const auto& warning : catalog_->warnings()) telemetry::log(LogLevel::warning, "catalog", "{}", warning);
    catalog_tokens_ = std::make_unique<CatalogTokens>(*catalog_);
    fanout_.add(*catalog_);
    return {};
  }

  Status start_pipeline() {
    auto rules = pipeline::make_rules(config_.redaction, config_.detection, metrics_, detection_of_services(config_));
    if (!rules) return base::pass(rules);
    rules_ = std::move(*rules);
    label_scratch_ = std::make_unique<pipeline::RulesScratch>(*rules_);
    pipeline::Stages stages = pipeline_stages(config_);
    stages.rules = rules_.get();
    stages.raw_hasher = &store_->hasher();
    stages.parser.zone_offset_seconds = zone_offset_seconds_;
    workers_ = std::make_unique<pipeline::Workers>(workers_options(config_), stages, store_->sink(), clock_, metrics_);
    return {};
  }

  Status make_sources() {
    auto watcher = sources::make_inotify_watcher();
    if (!watcher) {
      telemetry::log(LogLevel::warning, "file", "no events for files ({}); they are looked at every 2 s", watcher.error().cause);
      watcher_ = sources::make_sleeping_watcher(watcher.error().message());
    } else {
      watcher_ = std::move(*watcher);
    }
    sources::FileSourcePorts ports{.files = files_,
                                   .clock = clock_,
                                   .watcher = *watcher_,
                                   .blocks = *workers_,
                                   .batches = store_->sink(),
                                   .hasher = store_->hasher(),
                                   .metrics = metrics_,
                                   .redact_label = [this](std::string_view text) { return rules_->redact_text(text, *label_scratch_); },
                                   .look_closely = [this] { return runs_ != nullptr && runs_->has_open_runs(); },
                                   .line_time = line_times(clock_, zone_offset_seconds_)};
    file_source_ = std::make_unique<sources::FileSource>(config_.files, file_source_options(config_, host_name()), std::move(ports),
                                                         store_->positions());
    fanout_.add(*file_source_);
    return {};
  }

  Status open_runs() {
    auto opened = RunParts::open({.files = files_,
                                  .clock = clock_,
                                  .store = *store_,
                                  .catalog = *catalog_,
                                  .hub = hub_,
                                  .rules = *rules_,
                                  .file_source = *file_source_,
                                  .metrics = metrics_,
                                  .host = host_name(),
                                  .grace_ns = config_.runs.grace_ns,
                                  .services = services_of_runs(config_),
                                  .barrier = [this](std::int64_t timeout_ns) { barrier(timeout_ns); }});
    if (!opened) return base::pass(opened);
    runs_ = std::move(*opened);
    fanout_.add(runs_->clock_estimator());
    return {};
  }

  // What could not be awaited in the time comes later: files of runs are looked at again then.
  void barrier(std::int64_t timeout_ns) {
    const base::MonoNanos end = clock_.mono() + timeout_ns;
    const auto left = [&] { return std::max<std::int64_t>(end - clock_.mono(), base::nanos_per_millisecond); };
    const bool files = file_source_->barrier(left()).complete;
    const bool processes = process_source_->barrier(left()).complete;
    if (files && processes && store_->flush(false, left())) return;
    telemetry::log(LogLevel::debug, "runs", "not everything was read within {} ms", timeout_ns / base::nanos_per_millisecond);
  }

  // Before the server: relays connect as soon as it listens.
  Status start_relays() {
    relay_label_scratch_ = std::make_unique<pipeline::RulesScratch>(*rules_);
    sources::ProcessSourcePorts ports{
        .clock = clock_,
        .blocks = *workers_,
        .batches = store_->sink(),
        .metrics = metrics_,
        .redact_label = [this](std::string_view text) { return rules_->redact_text(text, *relay_label_scratch_); }};
    process_source_ = std::make_unique<sources::ProcessSource>(process_source_options(config_, host_name()), std::move(ports),
                                                               store_->positions(), store_->streams());
    fanout_.add(*process_source_);
    return process_source_->start();
  }

  Status start_server() {
    token_ = config_.server.token.empty() ? base::random_hex(random_, 24) : config_.server.token.reveal();
    tokens_ = std::make_unique<api::EngineToken>(token_, catalog_tokens_.get());
    queries_ = std::make_unique<PoolExecutor>("query", query_threads);
    blocking_ = std::make_unique<PoolExecutor>("block", blocking_threads);
    events_ = std::make_unique<PoolExecutor>("events", event_threads);
    audits_ = std::make_unique<PoolExecutor>("audit", audit_threads);
    audit_ = std::make_unique<RunAudit>(files_, clock_, runs_->registry(), *store_, store_->hasher(), config_.pipeline.max_line_bytes,
                                        [this](std::int64_t timeout_ns) { barrier(timeout_ns); });
    application_ = api::make_application(api_dependencies());
    activity_ = std::make_unique<Activity>(*application_, clock_, runs_.get());
    server_ = net::Server::create(server_limits(config_), *activity_, metrics_);
    if (auto main = listen_main(); !main) return main;
    listen_secondary(api::PortRole::health, config_.server.health_port, "server.health_port");
    listen_secondary(api::PortRole::metrics, config_.server.metrics_port, "server.metrics_port");
    return {};
  }

  api::ApiDependencies api_dependencies() {
    api::ApiSettings settings;
    settings.version = version();
    settings.data_folder = config_.store.data;
    settings.pid = ::getpid();
    settings.require_token = config_.server.require_token;
    settings.allowed_hosts = config_.server.allowed_hosts;
    settings.allowed_origins = config_.server.allowed_origins;
    settings.max_tail_records = config_.server.tail_records;
    return api::ApiDependencies{
        .sources = {file_source_.get(), process_source_.get()},
        .store = *store_,
        .flush = [this](bool durable, std::int64_t timeout_ns) { return store_->flush(durable, timeout_ns); },
        .stream_summaries = [this] { return stream_summaries(); },
        .catalog_warnings = [this] { return catalog_->warnings(); },
        .registry = runs_->registry(),
        .attributor = runs_->attributor(),
        .files = &runs_->files(),
        .hub = hub_,
        .metrics = metrics_,
        .clock = clock_,
        .tokens = *tokens_,
        .queries = *queries_,
        .blocking = *blocking_,
        .events = *events_,
        .listeners = [this] { return listeners(); },
        .settings = std::move(settings),
        .processes = process_source_.get(),
        .audit = [this](const std::string& run, const runs::AuditOptions& asked) { return audit_->run(run, asked); },
        .audits = audits_.get()};
  }

  // With what was committed just now, unless the catalog is far behind: then as far as it is.
  std::vector<store::StreamSummary> stream_summaries() {
    if (const auto done = catalog_->flush(summaries_timeout_ns); !done) {
      telemetry::log(LogLevel::warning, "catalog", "counts of streams are not up to date: {}", done.error().message());
    }
    return catalog_->streams();
  }

  Status listen_main() {
    auto port = server_->listen({config_.server.host, config_.server.port}, tls_files(config_));
    if (!port) return base::pass(port);
    add_listener(api::PortRole::main, *port);
    const bool six = config_.server.host.find(':') != std::string::npos;
    const bool any = config_.server.host == "0.0.0.0" || config_.server.host == "::";
    const std::string host = any ? "127.0.0.1" : six ? fmt::format("[{}]", config_.server.host) : config_.server.host;
    info_.url = fmt::format("{}://{}:{}", tls_files(config_) ? "https" : "http", host, *port);
    return {};
  }

  // A secondary port that is taken is a pity, not an error.
  void listen_secondary(api::PortRole role, std::uint16_t port, std::string_view setting) {
    if (port == 0) return;
    auto bound = server_->listen({config_.server.host, port}, tls_files(config_));
    if (bound) return add_listener(role, *bound);
    info_.warnings.push_back(fmt::format("{} {}: {}; the main port serves the same", setting, port, bound.error().cause));
    telemetry::log(LogLevel::warning, "server", "{}", info_.warnings.back());
  }

  // Before the server: clients of an engine that comes back on its port send events as soon as it listens, and these need all of it.
  Status start_sources() {
    auto started = file_source_->start();
    if (started) runs_->start();
    return started;
  }

  Status announce() {
    const bool asks = config_.server.require_token;
    const EngineFile file{.url = info_.url, .pid = ::getpid(), .version = version(), .token = asks ? token_ : ""};
    if (auto written = write_engine_file(files_, config_.store.data, file); !written) return written;
    announced_ = file;
    info_.token_hint = asks ? fmt::format("in {}", base::join_path(config_.store.data, "engine.json")) : "none is asked for";
    return {};
  }

  void add_listener(api::PortRole role, std::uint16_t port) TT_EXCLUDES(listeners_mutex_) {
    base::MutexLock lock(listeners_mutex_);
    listeners_.push_back({role, port});
  }
  std::vector<api::ListenerInfo> listeners() TT_EXCLUDES(listeners_mutex_) {
    base::MutexLock lock(listeners_mutex_);
    return listeners_;
  }

  const config::Config config_;
  base::Files& files_;
  base::Clock& clock_;
  base::Random& random_;
  EngineInfo info_;
  std::int32_t zone_offset_seconds_ = 0;
  std::string token_;
  std::optional<EngineFile> announced_;
  base::Mutex listeners_mutex_;
  std::vector<api::ListenerInfo> listeners_ TT_GUARDED_BY(listeners_mutex_);

  telemetry::Metrics metrics_;
  live::Hub hub_;
  CommitFanout fanout_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<CatalogTokens> catalog_tokens_;
  std::unique_ptr<const pipeline::Rules> rules_;
  std::unique_ptr<pipeline::RulesScratch> label_scratch_;  // used on the file reader's thread alone
  std::unique_ptr<pipeline::Workers> workers_;
  std::unique_ptr<sources::Watcher> watcher_;
  std::unique_ptr<sources::FileSource> file_source_;
  std::unique_ptr<RunParts> runs_;
  std::unique_ptr<pipeline::RulesScratch> relay_label_scratch_;  // used on the process source's thread alone
  std::unique_ptr<sources::ProcessSource> process_source_;
  std::unique_ptr<api::EngineToken> tokens_;
  std::unique_ptr<PoolExecutor> queries_;
  std::unique_ptr<PoolExecutor> blocking_;
  std::unique_ptr<PoolExecutor> events_;
  std::unique_ptr<PoolExecutor> audits_;
  std::unique_ptr<RunAudit> audit_;
  std::unique_ptr<net::Application> application_;
  std::unique_ptr<Activity> activity_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace

base::Result<std::unique_ptr<Engine>> Engine::start(const config::Config& config, base::Files& files, base::Clock& clock,
                                                    base::Random& random, const std::function<bool()>& should_stop) {
  auto engine = std::make_unique<EngineImpl>(config, files, clock, random);
  auto started = engine->start(should_stop);
  if (!started) return base::pass(started);
  return engine;
}

}  // namespace telltale::app
