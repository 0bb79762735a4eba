#include "sources/file/tailer.h"

#include <fmt/format.h>

#include "base/text.h"
#include "sources/file/inner_positions.h"
#include "telemetry/log.h"

namespace telltale::sources {
namespace {

constexpr std::size_t most_pending = 16;                  // blocks that are kept while sinks are full; others are read again
constexpr std::size_t large_partial = 64 * 1024;          // unfinished lines from this size on count
constexpr std::uint64_t inspect_bytes = 4 * 1024 * 1024;  // of a compressed file that are unpacked between two blocks of each file
constexpr std::uint64_t head_hash_step = 64;              // below head_bytes the head's hash is renewed as it grows

// Everything that the file was last seen to hold is delivered.
bool has_all(const Origin& origin) {
  return origin.size == origin.reader.offset() && !origin.pending;
}

std::string decoded(TextEncoding encoding, std::string bytes, bool at_start) {
  if (encoding == TextEncoding::bytes || (encoding == TextEncoding::utf8 && !at_start)) return bytes;
  std::string text = to_utf8(encoding, bytes, at_start);
  text.reserve(text.size() + read_padding);
  return text;
}

// Nothing of the file's `size` bytes is left when the block is delivered.
bool block_ends_at(const PendingBlock& pending, std::uint64_t size) {
  return pending.line.to >= size && pending.line.rest.empty();
}

}  // namespace

void SpaceSignal::raise() {
  base::MutexLock lock(mutex_);
  raised_ = true;
  if (watcher_ != nullptr) watcher_->wake();
}

bool SpaceSignal::take() {
  base::MutexLock lock(mutex_);
  return std::exchange(raised_, false);
}

void SpaceSignal::disconnect() {
  base::MutexLock lock(mutex_);
  watcher_ = nullptr;
}

Tailer::Tailer(Patterns patterns, std::vector<config::FileSource> sources, FileSourceOptions options, FileSourcePorts ports,
               FileMetrics& metrics, CommitTracker& commits, const std::vector<record::Position>& positions)
    : patterns_(std::move(patterns)),
      options_(std::move(options)),
      ports_(std::move(ports)),
      metrics_(metrics),
      commits_(commits),
      space_(std::make_shared<SpaceSignal>(ports_.watcher)),
      inspector_(ports_.files, options_.packed_idle_ns) {
  for (const auto& position : positions) {
    if (position.key.starts_with(start_key_prefix)) start_notes_.insert(position.key);
    if (!position.key.starts_with(position_key_prefix)) continue;
    auto decoded = decode_position(position.value);
    if (decoded && decoded->host == options_.host) stored_.emplace(position.key, std::move(*decoded));
  }
  for (auto& source : sources) {
    const bool started = start_notes_.contains(start_key(source));
    sources_.push_back({.config = std::move(source), .started = started, .noted = started});
  }
}

Tailer::~Tailer() {
  space_->disconnect();
}

void Tailer::enqueue(Origin& origin) {
  if (origin.queued || origin.waiting || origin.is_blocked() || !origin.has_work()) return;
  origin.queued = true;
  queue_.push_back(&origin);
}

void Tailer::set_size(Origin& origin, std::uint64_t size) {
  if (size == origin.size) return;
  if (size > origin.size) origin.last_growth = ports_.clock.mono();
  if (size < origin.size) origin.must_reach = std::max(origin.must_reach, origin.sound_size);
  origin.size = size;
  commits_.set_size(origin.key, size);
}

void Tailer::touched(const std::string& path) {
  const auto it = by_path_.find(path);
  if (it == by_path_.end()) return;
  Origin& origin = *it->second;
  origin.told = true;
  origin.grew_in = 0;
  if (origin.file == nullptr && !open(origin)) return;
  auto info = origin.file->info();
  if (!info) return fail(origin, info.error());
  set_size(origin, info->size);
  origin.finished = false;
  if (info->size < origin.reader.read_end()) {
    if (read_more(origin) == Outcome::more) enqueue(origin);
    return;
  }
  if (!check_size(origin)) return;
  enqueue(origin);
}

// Of growth that a look at names finds an event comes soon, unless the file system (another machine's) does not tell of it.
void Tailer::note_growth(Origin& origin, bool grew) {
  if (origin.grew_in != 0 && origin.grew_in + 1 < event_looks_) origin.silent = true;
  if (grew && origin.grew_in == 0) origin.grew_in = event_looks_;
  if (!grew && has_all(origin)) origin.caught_up = std::max(origin.caught_up, this_scan_);
}

void Tailer::was_quiet(base::UnixNanos then) {
  for (const auto& origin : origins_.all()) {
    if (origin->told && !origin->silent && origin->grew_in == 0 && has_all(*origin)) origin->caught_up = std::max(origin->caught_up, then);
  }
}

// An origin that waits is not read, so its bytes are looked at here: what there is must be known when it is taken away. False when it
// was replaced.
bool Tailer::check_size(Origin& origin) {
  if (!origin.waiting || origin.gap || origin.size <= origin.sound_size || !open(origin)) return true;
  const auto same = still_holds(origin);
  if (same && !*same) return on_replaced(origin), false;
  if (same && (origin.pending || origin.reader.read_end() > 0)) origin.sound_size = origin.size;
  return true;
}

// What was read of it, be it delivered or not; of an open file.
base::Result<bool> Tailer::still_holds(Origin& origin) {
  if (origin.pending && origin.reader.read_end() == 0) return holds(*origin.file, 0, origin.pending->head);
  return origin.reader.verify(*origin.file);
}

bool Tailer::work() {
  if (space_->take()) {
    for (const auto& origin : origins_.all()) {
      origin->waiting = false;
      enqueue(*origin);
    }
  }
  bool more = false;
  for (std::size_t left = queue_.size(); left > 0 && !queue_.empty(); --left) {
    Origin& origin = *queue_.front();
    queue_.pop_front();
    origin.queued = false;
    const Outcome outcome = advance(origin);
    if (outcome == Outcome::more) {
      enqueue(origin);
      more = true;
    }
  }
  if (inspector_.work(inspect_bytes)) rescan_ = true;
  return more || !queue_.empty() || inspector_.busy();
}

// Does the next thing that the origin needs. What could not be sent is asked for again by the sink's callback.
Tailer::Outcome Tailer::advance(Origin& origin) {
  if (origin.pending && !send_pending(origin)) return Outcome::idle;
  if (origin.gap) {
    if (!send_gap(origin)) return Outcome::idle;
    if (origin.forget) {
      drop(origin);
      return Outcome::gone;
    }
  }
  if (origin.has_left() && is_passing(origin)) origin.forget = true;
  if ((origin.dirty || origin.forget) && !send_position(origin)) return Outcome::idle;
  if (origin.has_left() && !origin.forget) keep_position(origin);
  if (origin.forget || origin.has_left()) {
    drop(origin);
    return Outcome::gone;
  }
  if (origin.finished) return Outcome::idle;
  return read_more(origin);
}

Tailer::Outcome Tailer::read_more(Origin& origin) {
  if (origin.failed || origin.is_blocked()) return Outcome::idle;
  if (!open(origin)) {
    if (origin.path.empty() && !is_unclear(origin.lineage)) mark_drained(origin);
    return Outcome::idle;
  }
  const base::UnixNanos asked = ports_.clock.wall();
  auto info = origin.file->info();
  if (!info) return fail(origin, info.error()), Outcome::idle;
  set_size(origin, info->size);
  if (info->size < origin.reader.read_end()) {
    const bool lost_lines = info->size < origin.reader.offset() || origin.reader.offset() == 0;
    if (lost_lines) return on_replaced(origin), Outcome::gone;
    origin.reader.forget_partial();
    origin.must_reach = 0;
  }
  if (std::exchange(origin.copied_unread, false) && origin.reader.read_end() == 0 &&
      !is_like_its_copies(*origin.file, origin.position, origin.source))
    return on_replaced(origin), Outcome::gone;
  LineBlock block;
  const auto step = origin.reader.read(*origin.file, {options_.block_bytes, options_.max_line_bytes}, origin.after_truncation, block);
  if (!step) return fail(origin, step.error()), Outcome::idle;
  set_size(origin, std::max(origin.size, origin.reader.read_end()));
  if (*step != ReadStep::replaced) origin.sound_size = origin.size;
  switch (*step) {
    case ReadStep::replaced:
      on_replaced(origin);
      return Outcome::gone;
    case ReadStep::end:
      if (!origin.reader.has_partial()) origin.caught_up = asked;
      mark_drained(origin);
      return Outcome::idle;
    case ReadStep::progress:
      return Outcome::more;
    case ReadStep::block:
      prepare(origin, std::move(block));
      if (block_ends_at(*origin.pending, info->size)) origin.pending->caught_up = asked;
      return send_pending(origin) ? Outcome::more : Outcome::idle;
  }
  return Outcome::idle;
}

void Tailer::mark_drained(Origin& origin) {
  if (!origin.rotated || origin.drained) return;
  origin.drained = true;
  for (const auto& other : origins_.all())
    if (other->after == &origin) {
      if (other->reader.read_end() == 0 && other->position.version == 0) other->reader.set_line(origin.reader.line());
      other->after = nullptr;
      enqueue(*other);
    }
}

void Tailer::prepare(Origin& origin, LineBlock block) {
  PendingBlock pending;
  pending.head = origin.reader.head_with(block);
  auto& raw = pending.raw;
  raw.inner_positions = inner_positions(origin);
  raw.stream = origin.stream;
  raw.bytes = decoded(origin.reader.encoding(), std::move(block.bytes), block.from == 0);
  raw.last_line_unterminated = block.unterminated;
  raw.truncated = block.truncated;
  raw.more_follows = origin.size > block.to + block.rest.size();
  raw.raw_from = block.from;
  raw.raw_to = block.to;
  raw.first_source_line = origin.reader.line();
  raw.observed_time = ports_.clock.wall();
  raw.written_after = origin.caught_up;
  raw.position =
      record::Position{origin.key, position_text(origin, block.to, origin.reader.line() + block.lines, pending.head, block.tail)};
  pending.line = std::move(block);
  origin.pending = std::move(pending);
  ++pending_;
}

// Before the position of the block itself is made. Their version is that of the block before: lines up to an inner position are not all
// that was pushed.
std::unique_ptr<const record::InnerPositions> Tailer::inner_positions(const Origin& origin) const {
  FileInnerPositions::Start start{origin.key, origin.position, origin.reader.encoding(), {}, origin.reader.tail()};
  start.position.offset = origin.reader.offset();
  start.position.line = origin.reader.line();
  start.position.size = std::max(origin.sound_size, start.position.offset);
  start.position.head = origin.head;
  if (origin.head.length < head_bytes) start.head = origin.reader.head();
  return std::make_unique<const FileInnerPositions>(ports_.hasher, std::move(start));
}

bool Tailer::send_pending(Origin& origin) {
  PendingBlock& pending = *origin.pending;
  const std::size_t bytes = pending.raw.bytes.size();
  if (!push(origin, pending.raw)) {
    // The file keeps the bytes; only a few blocks are worth their memory. One that ends an unterminated line cannot be read again.
    if (pending_ > most_pending && !pending.line.unterminated) {
      origin.pending.reset();
      --pending_;
    }
    return false;
  }
  metrics_.lines.add(pending.line.lines);
  metrics_.bytes.add(bytes);
  if (pending.line.truncated) metrics_.truncated_lines.add();
  origin.reader.accept(pending.line, std::move(pending.head));
  if (pending.caught_up != 0) origin.caught_up = pending.caught_up;
  origin.dirty = false;
  origin.pending.reset();
  --pending_;
  return true;
}

// Its position alone, in the order of the stream.
bool Tailer::send_position(Origin& origin) {
  record::RawBlock block;
  block.stream = origin.stream;
  block.raw_from = block.raw_to = origin.reader.offset();
  block.first_source_line = origin.reader.line();
  block.observed_time = ports_.clock.wall();
  block.position = record::Position{origin.key, origin.forget ? std::string() : present_position(origin)};
  if (!push(origin, block)) return false;
  origin.dirty = false;
  if (origin.forget) commits_.end(origin.key);
  return true;
}

bool Tailer::push(Origin& origin, record::RawBlock& block) {
  const std::uint64_t version = origin.position.version + 1;
  const bool has_lines = !block.bytes.empty();
  switch (ports_.blocks.try_push(block)) {
    case record::PushOutcome::accepted:
      origin.position.version = version;
      // Nobody is told of commits without records, and nothing waits for them.
      if (has_lines) commits_.pushed(origin.key, version);
      return true;
    case record::PushOutcome::full:
      origin.waiting = true;
      ports_.blocks.on_space(origin.stream->id, [space = space_] { space->raise(); });
      return false;
    case record::PushOutcome::closed:
      origin.waiting = true;
      return false;
  }
  return false;
}

// A gap goes to the store directly, so it waits until everything before it is there.
bool Tailer::send_gap(Origin& origin) {
  if (!commits_.is_settled(origin.key)) {
    gap_waits_ = true;
    if (!commits_.is_settled(origin.key)) {
      origin.waiting = true;
      return false;
    }
  }
  auto batch = record::make_gap_batch(origin.stream, *origin.gap, ports_.clock.wall());
  batch.position = record::Position{origin.key, origin.forget ? std::string() : present_position(origin)};
  switch (ports_.batches.try_push(batch)) {
    case record::PushOutcome::accepted:
      break;
    case record::PushOutcome::full:
      origin.waiting = true;
      ports_.batches.on_space([space = space_] { space->raise(); });
      return false;
    case record::PushOutcome::closed:
      origin.waiting = true;
      return false;
  }
  ++origin.position.version;
  commits_.pushed(origin.key, origin.position.version);
  metrics_.count_gap(origin.gap->reason);
  telemetry::log(telemetry::LogLevel::warning, "file", "{}: lost lines ({}): {}", origin.position.paths.back(),
                 record::gap_reason_name(origin.gap->reason), origin.gap->detail);
  origin.gap.reset();
  origin.dirty = false;
  return true;
}

std::string Tailer::position_text(Origin& origin, std::uint64_t offset, std::uint64_t line, std::string_view head, std::string_view tail) {
  FilePosition& position = origin.position;
  position.offset = offset;
  position.line = line;
  position.size = std::max(origin.sound_size, offset);
  const bool renew = head.size() == head_bytes ? origin.head.length != head_bytes
                                               : head.size() >= origin.head.length + head_hash_step || origin.head.length == 0;
  if (renew) origin.head = mark_of(ports_.hasher, head);
  position.head = origin.head;
  if (!tail.empty() || offset == 0) position.tail = mark_of(ports_.hasher, tail);  // else it was recalled without reading it
  FilePosition sent = position;
  ++sent.version;
  return encode_position(sent);
}

std::string Tailer::present_position(Origin& origin) {
  return position_text(origin, origin.reader.offset(), origin.reader.line(), origin.reader.head(), origin.reader.tail());
}

bool Tailer::open(Origin& origin) {
  origin.last_use = ++uses_;
  if (origin.file != nullptr) return true;
  if (origin.path.empty()) return false;
  if (open_ >= options_.max_open_files) close_idlest();
  auto file = open_path(origin.path, origin.packed);
  if (!file) {
    if (file.error().code == base::ErrorCode::file_not_found) rescan_ = true;
    return fail(origin, file.error()), false;
  }
  auto info = (*file)->info();
  if (!info) return fail(origin, info.error()), false;
  if (!FileIdentity::of(*info).same_file(origin.position.identity)) {
    rescan_ = true;
    origin.failed = true;
    return false;
  }
  origin.file = std::move(*file);
  origin.position.identity.device = info->device;
  metrics_.open.set(static_cast<std::int64_t>(++open_));
  return true;
}

void Tailer::close(Origin& origin) {
  if (origin.file == nullptr) return;
  origin.file.reset();
  metrics_.open.set(static_cast<std::int64_t>(--open_));
}

// Of files that can be opened again by their path. Their unfinished lines stay in memory unless they are large: who forgot them would read
// them again at each look, and where several are unfinished, without end.
void Tailer::close_idlest() {
  Origin* idlest = nullptr;
  for (const auto& origin : origins_.all()) {
    const bool can = origin->file != nullptr && !origin->path.empty() && !origin->deleted && origin->reader.partial_size() < large_partial;
    if (can && (idlest == nullptr || origin->last_use < idlest->last_use)) idlest = origin.get();
  }
  if (idlest != nullptr) close(*idlest);
}

void Tailer::fail(Origin& origin, const base::Error& error) {
  origin.failed = true;
  metrics_.errors.add();
  note_problem(origin.path.empty() ? origin.position.paths.back() : origin.path, error);
}

// Said once for as long as it lasts.
void Tailer::note_problem(const std::string& path, const base::Error& error) {
  const bool added = problems_.insert_or_assign(path, error).second;
  if (!added || problems_before_.contains(path)) return;
  const std::string text = error.message();
  const bool named = text.contains(path);
  telemetry::log(telemetry::LogLevel::warning, "file", "{}{}{}", named ? "" : path, named ? "" : ": ", text);
}

std::vector<Tailer::Mark> Tailer::marks() const {
  std::vector<Mark> marks;
  for (const auto& origin : origins_.all()) {
    const bool unread = origin->has_work() || origin->failed;
    if (unread) marks.push_back({origin->key, origin->path.empty() ? origin->lineage : origin->path, origin->size, !origin->failed});
  }
  for (const auto& [lineage, source] : unclear_) marks.push_back({{}, lineage, 0, true});
  return marks;
}

bool Tailer::is_reached(const Mark& mark) const {
  if (mark.key.empty()) return !is_unclear(mark.path);
  for (const auto& origin : origins_.all())
    if (origin->key == mark.key)
      return origin->reader.read_end() >= mark.size && !origin->pending && !origin->gap && !origin->dirty && !origin->forget &&
             !origin->leave_at;
  return true;
}

std::size_t Tailer::streams() const {
  std::set<record::StreamId> ids;
  for (const auto& origin : origins_.all()) ids.insert(origin->stream->id);
  return ids.size();
}

}  // namespace telltale::sources
