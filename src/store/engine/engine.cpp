#include "store/engine/engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/engine/cursor.h"
#include "store/engine/recovery.h"
#include "store/engine/scan.h"

namespace telltale::store {

struct Engine::Opening {
  base::Files& files;
  const base::Clock& clock;
  base::Random& random;
  telemetry::Metrics& metrics;
  const StoreOptions& options;
  std::vector<record::CommitListener*> listeners;
  std::unique_ptr<base::FileLock> lock;
  StoreId id;
  Recovered recovered;
};

namespace {

constexpr std::int64_t look_interval_nanos = 10 * base::nanos_per_second;

// Nothing when there is none.
base::Result<std::optional<StoreId>> find_store_id(base::Files& files, const std::string& folder) {
  auto present = read_store_id(files, folder);
  if (present) return std::optional(std::move(*present));
  if (present.error().code == base::ErrorCode::file_not_found) return std::optional<StoreId>();
  return base::pass(present);
}

base::Status make_folders(base::Files& files, const std::string& folder) {
  if (auto made = files.make_directories(segments_folder(folder)); !made) return made;
  return files.sync_directory(folder);
}

std::string holder_text() {
  return fmt::format("pid {}\n", getpid());
}

}  // namespace

base::Result<std::unique_ptr<Engine>> Engine::open(base::Files& files, const base::Clock& clock, base::Random& random,
                                                   telemetry::Metrics& metrics, const StoreOptions& options,
                                                   std::vector<record::CommitListener*> listeners, Drive drive) {
  if (auto made = make_folders(files, options.folder); !made) return base::pass(made);
  auto lock = files.lock(base::join_path(options.folder, "lock"), holder_text());
  if (!lock) return base::pass(lock);
  auto present = find_store_id(files, options.folder);
  if (!present) return base::pass(present);
  auto recovered = recover(files, options.folder, *present ? &**present : nullptr);
  if (!recovered) return base::pass(recovered);
  auto id = open_store_id(files, random, options.folder, std::move(*present), recovered->origin, recovered->next_sequence == 1);
  if (!id) return base::pass(id);

  std::vector<Damage> damages = std::move(recovered->damages);
  Opening opening{files, clock, random, metrics, options, std::move(listeners), std::move(*lock), std::move(*id), std::move(*recovered)};
  std::unique_ptr<Engine> engine(new Engine(std::move(opening), drive));
  if (auto started = engine->writer_.start(); !started) {
    engine->closed_ = true;
    return base::pass(started);
  }
  engine->inspector_.found(std::move(damages));
  engine->inspector_.look();
  if (engine->inspector_.pending()) {
    engine->attend();
    engine->writer_.step(true);
  }
  if (drive == Drive::own_thread) {
    engine->tasks_.spawn("store-inspector", [raw = engine.get()](std::stop_token) { raw->inspect_until_stopped(); });
    engine->tasks_.spawn("store-writer", [raw = engine.get()](std::stop_token) { raw->run(); });
  }
  return engine;
}

Engine::Engine(Opening opening, Drive drive)
    : files_(opening.files),
      clock_(opening.clock),
      options_(opening.options),
      drive_(drive),
      lock_(std::move(opening.lock)),
      id_(std::move(opening.id)),
      hasher_(id_.key),
      encoder_(options_.compress),
      queue_(options_.queue_bytes),
      metrics_(opening.metrics),
      writer_({files_, clock_, opening.random, options_, state_, queue_, metrics_, std::move(opening.listeners), id_},
              std::move(opening.recovered.active), opening.recovered.positions),
      inspector_(files_, clock_, options_.folder, state_,
                 [this](record::Batch& batch) { return try_push(batch) != record::PushOutcome::full; }),
      tasks_("store") {
  state_.begin(std::move(opening.recovered.segments), std::move(opening.recovered.positions), std::move(opening.recovered.streams),
               opening.recovered.next_sequence, opening.recovered.kept_from);
}

Engine::~Engine() {
  // Who wants to know whether closing went well calls close().
  static_cast<void>(close());
}

void Engine::attend() {
  for (const Sequence gone : inspector_.inspect()) state_.drop_segment(gone);
}

void Engine::look() {
  TT_ASSERT(drive_ == Drive::caller, "the store has a thread of its own");
  inspector_.look();
  attend();
}

void Engine::inspect_until_stopped() {
  base::MonoNanos next_look = clock_.mono() + look_interval_nanos;
  while (!queue_.closed()) {
    inspector_.wait(std::chrono::nanoseconds(look_interval_nanos));
    if (queue_.closed()) return;
    if (clock_.mono() >= next_look) {
      inspector_.look();
      next_look = clock_.mono() + look_interval_nanos;
    }
    if (inspector_.pending()) attend();
  }
}

record::PushOutcome Engine::try_push(record::Batch& batch) {
  if (batch.records.empty() && !batch.position) return record::PushOutcome::accepted;
  TT_ASSERT(batch.stream != nullptr || batch.records.empty(), "records belong to a stream");
  // Asked first, so that a full store costs no encoding.
  const std::size_t bytes = batch.bytes();
  const bool may_be_urgent = batch.records.size() <= 1;
  if (const auto outcome = queue_.would_accept(bytes, may_be_urgent); outcome != record::PushOutcome::accepted) return outcome;
  Pending pending;
  pending.item = encoder_.encode(batch);
  pending.bytes = bytes + pending.item.bytes();
  pending.batch = std::move(batch);
  const auto outcome = queue_.try_push(pending);
  if (outcome != record::PushOutcome::accepted) batch = std::move(pending.batch);
  return outcome;
}

void Engine::run() {
  while (!queue_.closed()) {
    step(false);
    const std::int64_t idle = writer_.idle_nanos();
    if (idle > 0) queue_.wait_for_work(std::chrono::nanoseconds(idle), writer_.stuck());
  }
  drain();
  writer_.finish();
}

void Engine::step(bool hurry) {
  if (inspector_.take_active_damaged()) writer_.begin_window();
  writer_.step(hurry);
}

bool Engine::drain() {
  do {
    step(true);
  } while (!writer_.stuck() && (queue_.has_items() || !writer_.clean()));
  return !writer_.stuck();
}

void Engine::pump() {
  TT_ASSERT(drive_ == Drive::caller, "the store has a thread of its own");
  do {
    step(false);
    if (inspector_.pending()) attend();
  } while (!writer_.stuck() && queue_.has_items());
}

base::Result<Committed> Engine::flush(bool durable, std::int64_t timeout_ns) {
  const std::uint64_t ticket = queue_.accepted();
  const bool reached = drive_ == Drive::caller ? (durable ? drain() : (pump(), queue_.reached(ticket, false)))
                                               : queue_.wait_reached(ticket, durable, std::chrono::nanoseconds(timeout_ns));
  if (!reached) {
    if (state_.disk_full()) return base::fail(base::ErrorCode::disk_full, "the disk of " + options_.folder + " is full");
    return base::fail(base::ErrorCode::timeout,
                      fmt::format("what was accepted was not written within {} ms", timeout_ns / base::nanos_per_millisecond));
  }
  return Committed{state_.next_sequence()};
}

base::Status Engine::close() {
  if (closed_) return {};
  closed_ = true;
  queue_.close();
  inspector_.stop();
  if (drive_ == Drive::caller) {
    drain();
    writer_.finish();
  }
  tasks_.close();
  if (writer_.stuck() && writer_.last_error()) return std::unexpected(*writer_.last_error());
  return {};
}

base::Status Engine::scan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) const {
  ScanRange committed = range;
  const Sequence next = state_.next_sequence();
  committed.to_sequence = std::min(range.to_sequence, next - 1);
  if (committed.from_sequence > committed.to_sequence) return {};
  const std::vector<SegmentRef> segments = state_.segments();
  const auto damaged = [this](const SegmentRef& segment, const DamagedRange& range) { inspector_.suspect(segment, range); };
  return scan_segments({files_, segments, false, damaged}, committed, filter, visitor);
}

std::vector<StreamRef> Engine::streams() const {
  std::vector<StreamRef> out;
  for (StreamEntry& entry : state_.streams()) out.push_back(std::move(entry.stream));
  return out;
}

StoreStats Engine::stats() const {
  StoreStats stats = state_.stats();
  stats.store_id = id_.id.hex();
  return stats;
}

std::string Engine::cursor(Sequence sequence) const {
  return make_cursor(id_, sequence);
}

base::Result<Sequence> Engine::read_cursor(std::string_view text) const {
  return parse_cursor(id_, text);
}

std::vector<Position> Engine::positions() const {
  std::vector<Position> out;
  for (auto& [key, value] : state_.positions()) out.push_back({key, value});
  return out;
}

base::Result<std::unique_ptr<Store>> Store::open(base::Files& files, const base::Clock& clock, base::Random& random,
                                                 telemetry::Metrics& metrics, const StoreOptions& options,
                                                 std::vector<record::CommitListener*> listeners) {
  auto engine = Engine::open(files, clock, random, metrics, options, std::move(listeners), Drive::own_thread);
  if (!engine) return base::pass(engine);
  return std::unique_ptr<Store>(std::move(*engine));
}

}  // namespace telltale::store
