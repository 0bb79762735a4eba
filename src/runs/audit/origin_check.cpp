#include "runs/audit/origin_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::runs {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;

bool has_range(const StatedGap& stated) {
  return stated.gap.range && stated.gap.range->to > stated.gap.range->from;
}

// What is left of `spans` without `taken`.
std::vector<ByteSpan> without(const std::vector<ByteSpan>& spans, ByteSpan taken) {
  std::vector<ByteSpan> left;
  for (const ByteSpan& span : spans) {
    if (taken.to <= span.from || taken.from >= span.to) {
      left.push_back(span);
      continue;
    }
    if (span.from < taken.from) left.push_back({span.from, taken.from});
    if (taken.to < span.to) left.push_back({taken.to, span.to});
  }
  return left;
}

}  // namespace

OriginCheck::OriginCheck(const AuditPorts& ports, const AuditOptions& options, const StoredOrigins& all, const StoredOrigin& origin,
                         std::vector<const StoredOrigin*> others, ReadBudget& budget)
    : ports_(ports), options_(options), all_(all), origin_(origin), others_(std::move(others)), budget_(budget) {}

OriginVerdict OriginCheck::run() {
  count();
  open();
  sweep();
  state_gaps();
  if (bytes_ != nullptr) {
    compare();
    settle_uncertain();
  }
  if (bytes_ != nullptr) {
    check_end();
    check_copies();
  }
  return std::move(verdict_);
}

void OriginCheck::count() {
  for (const StoredRange& range : origin_.ranges) {
    if (!range.of_run) continue;
    ++verdict_.counts.ranges;
    verdict_.counts.lines += range.lines;
    verdict_.counts.bytes += range.to - range.from;
  }
}

AuditFinding& OriginCheck::find(AuditKind kind, ByteSpan bytes, TimeSpan written, std::string detail) {
  AuditFinding& finding = verdict_.findings.emplace_back();
  finding.kind = kind;
  finding.from = bytes.from;
  finding.to = bytes.to;
  finding.written = written;
  finding.detail = std::move(detail);
  return finding;
}

// --- ranges and gaps

// It came up while it was looked for: all of it was to be read.
bool OriginCheck::must_begin_at_start() const {
  const base::UnixNanos seen = ports_.origins.first_seen(origin_.newest);
  return is_new_in(seen, all_.run) && ports_.origins.born(origin_.newest) > seen;
}

// In the order of their bytes each begins where the one before ended; else something is missing, or there twice.
void OriginCheck::sweep() {
  const StoredRange* before = nullptr;
  end_ = 0;
  for (const StoredRange& range : origin_.ranges) {
    if (before == nullptr && range.from > 0 && range.of_run && must_begin_at_start()) add_hole(nullptr, {0, range.from}, &range);
    if (before != nullptr && range.from > end_) add_hole(before, {end_, range.from}, &range);
    if (before != nullptr && range.from < end_) add_repetition(range, {range.from, std::min(range.to, end_)});
    end_ = std::max(end_, range.to);
    if (before == nullptr || range.to >= before->to) before = &range;
  }
  for (const StatedGap& stated : origin_.gaps) {
    if (has_range(stated)) end_ = std::max(end_, stated.gap.range->to);
  }
}

std::vector<ByteSpan> OriginCheck::unstated(ByteSpan hole, const StoredRange* before, const StoredRange* behind) const {
  std::vector<ByteSpan> left{hole};
  for (const StatedGap& stated : origin_.gaps) {
    if (has_range(stated)) {
      left = without(left, {stated.gap.range->from, stated.gap.range->to});
    } else if ((before == nullptr || stated.sequence > before->sequence) && (behind == nullptr || stated.sequence < behind->sequence)) {
      return {};
    }
  }
  return left;
}

void OriginCheck::add_hole(const StoredRange* before, ByteSpan hole, const StoredRange* behind) {
  TimeSpan written = all_.run;
  if (before != nullptr) written.from = std::min(before->written.to, behind->written.to);
  written.to = behind->written.to;
  if (!written.meets(all_.run)) return;
  if (before == nullptr && is_hole_of_nul(hole)) return;
  for (const ByteSpan& lost : unstated(hole, before, behind)) {
    verdict_.counts.lost_bytes += lost.size();
    AuditFinding& finding = find(AuditKind::loss, lost, written, "not stored, and no gap says so");
    finding.lines = count_lines(lost, false);
    verdict_.counts.lost_lines += finding.lines.value_or(0);
  }
}

void OriginCheck::add_repetition(const StoredRange& again, ByteSpan twice) {
  if (!again.of_run) return;
  verdict_.counts.repeated_bytes += twice.size();
  const bool whole = twice.from == again.from && twice.to == again.to;
  AuditFinding& finding = find(AuditKind::repetition, twice, again.written, "stored twice");
  finding.lines = whole ? std::optional<std::uint64_t>(again.lines) : count_lines(twice, false);
  verdict_.counts.repeated_lines += finding.lines.value_or(0);
}

void OriginCheck::state_gaps() {
  for (const StatedGap& stated : origin_.gaps) {
    ++verdict_.counts.gaps;
    verdict_.counts.gap_lines += stated.gap.lines.value_or(0);
    const ByteSpan bytes = has_range(stated) ? ByteSpan{stated.gap.range->from, stated.gap.range->to} : ByteSpan{};
    find(AuditKind::gap, bytes, {stated.gap.from_time, stated.gap.to_time}, stated.text).lines = stated.gap.lines;
  }
}

bool OriginCheck::is_stored(ByteSpan span) const {
  std::vector<ByteSpan> left{span};
  for (const StoredRange& range : origin_.ranges) left = without(left, {range.from, range.to});
  return left.empty();
}

// --- the bytes

void OriginCheck::open() {
  if (!ports_.origins.can_reopen(origin_.newest)) {
    verdict_.counts.not_again_bytes += verdict_.counts.bytes;
    return;
  }
  auto opened = ports_.origins.reopen(origin_.newest);
  if (!opened) {
    verdict_.counts.unread_bytes += verdict_.counts.bytes;
    find(AuditKind::unread, {}, all_.run, opened.error().message());
    return;
  }
  bytes_ = *std::move(opened);
  if (bytes_ != nullptr || verdict_.counts.bytes == 0) return;
  verdict_.counts.gone_bytes += verdict_.counts.bytes;
  find(AuditKind::gone, {origin_.ranges.front().from, origin_.ranges.back().to}, all_.run, "no file holds these bytes any more");
}

bool OriginCheck::may_read(std::uint64_t bytes) {
  if (budget_.exhausted || budget_.left < bytes || budget_.give_up()) {
    budget_.exhausted = true;
    return false;
  }
  budget_.left -= bytes;
  return true;
}

// All of `size` bytes, or false.
bool OriginCheck::read(std::uint64_t from, std::uint64_t size, std::string& out) {
  out.resize(size);
  std::size_t done = 0;
  while (done < size) {
    if (budget_.give_up()) return false;
    const auto got = bytes_->read_at(from + done, std::span(out).subspan(done, std::min<std::size_t>(size - done, 4 * read_bytes)));
    if (!got || *got == 0) return false;
    done += *got;
  }
  return true;
}

// Hashed as the pipeline did: the bytes as they were delivered; of a line that was cut its beginning and a line end.
std::optional<base::Hash128> OriginCheck::hash_of(const StoredRange& range) {
  const std::uint64_t size = range.cut_bytes > 0 ? std::min<std::uint64_t>(range.cut_bytes, range.to - range.from) : range.to - range.from;
  // Where a decoded line was cut is not known in the origin's bytes.
  if (range.cut_bytes > 0 && !bytes_->is_delivered_as_is()) return std::nullopt;
  std::string bytes;
  if (!read(range.from, size, bytes)) return std::nullopt;
  bytes = bytes_->as_delivered(range.from, std::move(bytes));
  if (range.cut_bytes > 0) bytes.push_back('\n');
  return ports_.hasher(bytes);
}

void OriginCheck::compare() {
  std::uint64_t gone_from = 0;
  std::uint64_t gone_to = 0;
  for (const StoredRange& range : origin_.ranges) {
    if (!range.of_run) continue;
    if (range.to > bytes_->size()) {
      if (gone_to == 0) gone_from = range.from;
      gone_to = std::max(gone_to, range.to);
      verdict_.counts.gone_bytes += range.to - range.from;
    } else {
      compare(range);
    }
  }
  if (gone_to > gone_from) find(AuditKind::gone, {gone_from, gone_to}, all_.run, "the file is shorter now");
}

void OriginCheck::compare(const StoredRange& range) {
  const std::uint64_t size = range.to - range.from;
  const bool comparable = range.comparable && (range.cut_bytes > 0 || size <= options_.max_range_bytes);
  const auto hash = comparable && may_read(size) ? hash_of(range) : std::nullopt;
  if (!hash) {
    verdict_.counts.unread_bytes += size;
    return;
  }
  if (*hash != range.hash && range.cut_bytes > 0 && !range.cut_exact) {  // the limit may have been another one
    verdict_.counts.unread_bytes += size;
    return;
  }
  verdict_.counts.compared_bytes += size;
  if (*hash == range.hash) {
    ++matches_;
    return;
  }
  verdict_.counts.changed_bytes += size;
  find(AuditKind::changed, {range.from, range.to}, range.written, "the file has other bytes there now").lines = range.lines;
}

// A file that has the origin's identity and none of its bytes was truncated and written anew.
void OriginCheck::settle_uncertain() {
  if (bytes_->is_certain() || matches_ > 0 || verdict_.counts.changed_bytes == 0) return;
  const bool rewritten = verdict_.counts.gone_bytes > 0 || std::ranges::any_of(others_, [&](const StoredOrigin* other) {
                           return other->newest_sequence > origin_.newest_sequence;
                         });
  if (!rewritten) return;
  std::erase_if(verdict_.findings, [](const AuditFinding& one) { return one.kind == AuditKind::changed || one.kind == AuditKind::gone; });
  AuditCounts& counts = verdict_.counts;
  counts.gone_bytes += counts.changed_bytes;
  counts.compared_bytes -= counts.changed_bytes;
  counts.changed_bytes = 0;
  find(AuditKind::gone, {origin_.ranges.front().from, origin_.ranges.back().to}, all_.run, "the file was written anew since");
  bytes_.reset();
}

// What stands behind all that is stored. A last line without its end waits for it.
void OriginCheck::check_end() {
  if (origin_.ranges.empty() || bytes_->size() <= end_) return;
  const ByteSpan rest{end_, bytes_->size()};
  if (!all_.finished || bytes_->modified() > all_.run.to || all_.truncated) {
    verdict_.counts.later_bytes += rest.size();
    return;
  }
  std::uint64_t last_end = rest.from;
  const auto lines = count_lines(rest, true, &last_end);
  if (!lines) {
    verdict_.counts.unread_bytes += rest.size();
    return;
  }
  if (*lines == 0) return;
  const ByteSpan lost{rest.from, last_end};
  verdict_.counts.lost_bytes += lost.size();
  verdict_.counts.lost_lines += *lines;
  const TimeSpan written{origin_.ranges.back().written.to, std::max(bytes_->modified(), origin_.ranges.back().written.to)};
  find(AuditKind::loss, lost, written, "written before the run's end, and not stored").lines = lines;
}

// --- the same bytes under another origin: a copy of it that was read as a file of its own

void OriginCheck::check_copies() {
  for (const StoredOrigin* other : others_) {
    if (other->newest_sequence > origin_.newest_sequence) continue;  // each pair once: the later one is the repetition
    std::uint64_t lines = 0;
    const std::uint64_t bytes = copied_bytes(*other, lines);
    if (bytes == 0) continue;
    verdict_.counts.repeated_bytes += bytes;
    verdict_.counts.repeated_lines += lines;
    const std::uint64_t from = other->ranges.front().from;
    find(AuditKind::repetition, {from, from + bytes}, origin_.ranges.front().written, "a copy of a file that was read already").lines =
        lines;
  }
}

// So many bytes of the other's beginning are in this one's file too, and stored of both.
std::uint64_t OriginCheck::copied_bytes(const StoredOrigin& other, std::uint64_t& lines) {
  std::uint64_t bytes = 0;
  for (const StoredRange& range : other.ranges) {
    const bool is_next = bytes == 0 || range.from == other.ranges.front().from + bytes;
    if (!range.of_run || !range.timed || !is_next || range.cut_bytes > 0 || range.to > bytes_->size()) break;
    if (range.to - range.from > options_.max_range_bytes || !is_stored({range.from, range.to})) break;
    if (!may_read(range.to - range.from)) break;
    const auto hash = hash_of(range);
    if (!hash || *hash != range.hash) break;
    bytes += range.to - range.from;
    lines += range.lines;
  }
  return bytes;
}

// --- looking at text: only its line ends and NUL bytes

// Lines in the span; a rest without an end is one too unless `whole_only`. Nothing: it cannot be read.
std::optional<std::uint64_t> OriginCheck::count_lines(ByteSpan span, bool whole_only, std::uint64_t* last_end) {
  if (bytes_ == nullptr || span.to > bytes_->size() || !may_read(span.size())) return std::nullopt;
  std::uint64_t lines = 0;
  std::string buffer;
  bool open = false;
  for (std::uint64_t at = span.from; at < span.to; at += buffer.size()) {
    if (!read(at, std::min<std::uint64_t>(read_bytes, span.to - at), buffer)) return std::nullopt;
    lines += static_cast<std::uint64_t>(std::ranges::count(buffer, '\n'));
    open = buffer.back() != '\n';
    const std::size_t end = buffer.rfind('\n');
    if (last_end != nullptr && end != std::string::npos) *last_end = at + end + 1;
  }
  return lines + (open && !whole_only ? 1 : 0);
}

// What a program leaves that goes on at its old offset in a truncated file.
bool OriginCheck::is_hole_of_nul(ByteSpan span) {
  if (bytes_ == nullptr || span.to > bytes_->size()) return false;
  std::string buffer;
  for (std::uint64_t at = span.from; at < span.to; at += buffer.size()) {
    if (!may_read(std::min<std::uint64_t>(read_bytes, span.to - at))) return true;
    if (!read(at, std::min<std::uint64_t>(read_bytes, span.to - at), buffer)) return false;
    if (buffer.find_first_not_of('\0') != std::string::npos) return false;
  }
  return true;
}

}  // namespace telltale::runs
