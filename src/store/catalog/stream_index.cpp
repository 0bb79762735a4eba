#include "store/catalog/stream_index.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace telltale::store {
namespace {

constexpr std::string_view upsert_part =
    "INSERT INTO parts (part, stream, first_sequence, last_sequence, first_observed, last_observed, records, errors, gaps) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (part, stream) DO UPDATE SET "
    "first_sequence = min(first_sequence, excluded.first_sequence), last_sequence = max(last_sequence, excluded.last_sequence), "
    "first_observed = min(first_observed, excluded.first_observed), last_observed = max(last_observed, excluded.last_observed), "
    "records = records + excluded.records, errors = errors + excluded.errors, gaps = gaps + excluded.gaps";

// More than the store commits between two syncs (5 ms).
constexpr Sequence most_unsynced_records = 1u << 16;

std::int64_t as_integer(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

Digest digest_of(const StreamRef& stream, const record::Record& record, Sequence sequence) {
  const bool gap = record.has(record::flag_gap);
  Digest one;
  one.stream = stream;
  one.first_sequence = one.last_sequence = sequence;
  one.first_observed = one.last_observed = record.observed_time;
  one.records = gap ? 0 : 1;
  one.errors = !gap && record.is_error() ? 1 : 0;
  one.gaps = gap ? 1 : 0;
  return one;
}

}  // namespace

void Digest::merge(const Digest& other) {
  first_sequence = std::min(first_sequence, other.first_sequence);
  last_sequence = std::max(last_sequence, other.last_sequence);
  first_observed = std::min(first_observed, other.first_observed);
  last_observed = std::max(last_observed, other.last_observed);
  records += other.records;
  errors += other.errors;
  gaps += other.gaps;
}

void digest(const CommittedBatch& batch, Sequence from, Sequence to, const std::function<void(const Digest&)>& take) {
  const std::vector<record::Record>& records = batch.batch.records;
  Digest current;
  bool any = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Sequence sequence = batch.first_sequence + i;
    if (sequence < from || sequence > to) continue;
    if (any && sequence >> part_bits != current.part()) {
      take(current);
      any = false;
    }
    const record::Record& record = records[i];
    if (!any) {
      current = digest_of(batch.batch.stream, record, sequence);
      any = true;
      continue;
    }
    const bool gap = record.has(record::flag_gap);
    current.last_sequence = sequence;
    current.first_observed = std::min(current.first_observed, record.observed_time);
    current.last_observed = std::max(current.last_observed, record.observed_time);
    current.records += gap ? 0 : 1;
    current.errors += !gap && record.is_error() ? 1 : 0;
    current.gaps += gap ? 1 : 0;
  }
  if (any) take(current);
}

std::vector<record::SequenceRange> losses_told_by(const CommittedBatch& batch) {
  std::vector<record::SequenceRange> out;
  if (batch.batch.stream == nullptr || batch.batch.stream->labels.get("source") != "telltale") return out;
  for (const record::Record& record : batch.batch.records) {
    const auto gap = record::read_gap(batch.batch, record);
    if (gap && gap->reason == record::GapReason::store_damaged && gap->sequences) out.push_back(*gap->sequences);
  }
  return out;
}

base::Result<std::int64_t> StreamIndex::state(std::string_view key) {
  auto select = database_.prepare("SELECT value FROM index_state WHERE key = ?1");
  if (!select) return base::pass(select);
  select->bind(1, key);
  auto row = select->step();
  if (!row) return base::pass(row);
  return *row ? select->integer(0) : 0;
}

base::Status StreamIndex::set_state(std::string_view key, std::int64_t value) {
  auto insert =
      database_.prepare("INSERT INTO index_state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  if (!insert) return base::pass(insert);
  insert->bind(1, key);
  insert->bind(2, value);
  return insert->run();
}

base::Status StreamIndex::load(const StoreStats& stats) {
  auto same = database_.prepare("SELECT count(*) FROM index_state WHERE key = 'store_id' AND value = ?1");
  if (!same) return base::pass(same);
  same->bind(1, stats.store_id);
  auto row = same->step();
  if (!row) return base::pass(row);
  const bool known = *row && same->integer(0) > 0;
  auto next = state("next_sequence");
  if (!next) return base::pass(next);
  auto kept_from = state("kept_from");
  if (!kept_from) return base::pass(kept_from);
  next_ = written_next_ = static_cast<Sequence>(*next);
  kept_from_ = static_cast<Sequence>(*kept_from);
  if (known && next_ <= stats.next_sequence && kept_from_ <= stats.first_sequence) return take_back_the_end();
  return clear(stats);
}

base::Status StreamIndex::take_back_the_end() {
  const Sequence part = (next_ - std::min(next_, most_unsynced_records)) >> part_bits;
  auto transaction = Transaction::begin(database_);
  if (!transaction) return base::pass(transaction);
  auto remove = database_.prepare("DELETE FROM parts WHERE part >= ?1");
  if (!remove) return base::pass(remove);
  remove->bind(1, as_integer(part));
  if (auto done = remove->run(); !done) return done;
  if (auto done = set_state("next_sequence", as_integer(part << part_bits)); !done) return done;
  if (auto done = transaction->commit(); !done) return done;
  next_ = written_next_ = part << part_bits;
  return {};
}

base::Status StreamIndex::clear(const StoreStats& stats) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return base::pass(transaction);
  if (auto done = database_.run("DELETE FROM parts; DELETE FROM stream_labels; DELETE FROM streams; DELETE FROM index_state"); !done)
    return done;
  auto insert = database_.prepare("INSERT INTO index_state (key, value) VALUES ('store_id', ?1)");
  if (!insert) return base::pass(insert);
  insert->bind(1, stats.store_id);
  if (auto done = insert->run(); !done) return done;
  if (auto done = set_state("kept_from", as_integer(stats.first_sequence)); !done) return done;
  if (auto done = transaction->commit(); !done) return done;
  next_ = written_next_ = 0;
  kept_from_ = stats.first_sequence;
  rows_.clear();
  noted_.clear();
  return {};
}

void StreamIndex::add(Noted& noted, const Digest& digest) {
  const auto [entry, is_new] = noted.try_emplace({digest.part(), digest.stream->id}, digest);
  if (!is_new) entry->second.merge(digest);
}

void StreamIndex::note(const Digest& digest) {
  add(noted_, digest);
  next_ = std::max(next_, digest.last_sequence + 1);
}

void StreamIndex::note(const CommittedBatch& batch) {
  digest(batch, next_, ~Sequence{0}, [this](const Digest& part) { note(part); });
}

base::Status StreamIndex::write() {
  if (noted_.empty() && next_ == written_next_) return {};
  auto transaction = Transaction::begin(database_);
  if (!transaction) return base::pass(transaction);
  auto status = write_parts(noted_);
  if (status) status = set_state("next_sequence", as_integer(next_));
  if (status) status = transaction->commit();
  if (!status) {
    rows_.clear();
    return status;
  }
  noted_.clear();
  written_next_ = next_;
  return {};
}

base::Status StreamIndex::write_parts(const Noted& noted) {
  auto upsert = database_.prepare(upsert_part);
  if (!upsert) return base::pass(upsert);
  for (const auto& [key, digest] : noted) {
    auto row = stream_row(*digest.stream);
    if (!row) return base::pass(row);
    const std::int64_t values[] = {as_integer(key.first),
                                   *row,
                                   as_integer(digest.first_sequence),
                                   as_integer(digest.last_sequence),
                                   digest.first_observed,
                                   digest.last_observed,
                                   as_integer(digest.records),
                                   as_integer(digest.errors),
                                   as_integer(digest.gaps)};
    for (std::size_t i = 0; i < std::size(values); ++i) upsert->bind(static_cast<int>(i) + 1, values[i]);
    if (auto done = upsert->run(); !done) return done;
  }
  return {};
}

base::Result<std::int64_t> StreamIndex::stream_row(const record::Stream& stream) {
  const auto known = rows_.find(stream.id);
  if (known != rows_.end()) return known->second;
  auto select = database_.prepare("SELECT id FROM streams WHERE hash = ?1");
  if (!select) return base::pass(select);
  select->bind(1, stream.id.hex());
  auto found = select->step();
  if (!found) return base::pass(found);
  if (!*found) return insert_stream(stream);
  rows_.emplace(stream.id, select->integer(0));
  return select->integer(0);
}

base::Result<std::int64_t> StreamIndex::insert_stream(const record::Stream& stream) {
  auto insert = database_.prepare("INSERT INTO streams (hash) VALUES (?1)");
  if (!insert) return base::pass(insert);
  insert->bind(1, stream.id.hex());
  if (auto done = insert->run(); !done) return base::pass(done);
  const std::int64_t row = database_.last_insert_id();
  auto label = database_.prepare("INSERT INTO stream_labels (stream, name, value) VALUES (?1, ?2, ?3)");
  if (!label) return base::pass(label);
  for (const auto& [name, value] : stream.labels.pairs()) {
    label->bind(1, row);
    label->bind(2, name);
    label->bind(3, value);
    if (auto done = label->run(); !done) return base::pass(done);
  }
  rows_.emplace(stream.id, row);
  return row;
}

base::Result<StreamIndex::Noted> StreamIndex::count(Sequence from, Sequence to, const StoreReader& reader) {
  Noted counted;
  ScanRange range;
  range.from_sequence = from;
  range.to_sequence = to;
  auto scanned = reader.scan(
      range, [](const record::Stream&) { return true; },
      [&](const record::CommittedBatchRef& batch) {
        digest(*batch, from, to, [&](const Digest& part) { add(counted, part); });
        return ScanStep::go_on;
      });
  if (!scanned) return base::pass(scanned);
  return counted;
}

base::Status StreamIndex::recount(const record::SequenceRange& lost, const StoreReader& reader) {
  if (auto written = write(); !written) return written;
  if (next_ == 0 || lost.from >= next_) return {};
  const Sequence first_part = lost.from >> part_bits;
  const Sequence last_part = std::min(lost.to, next_ - 1) >> part_bits;
  const Sequence end = std::min((last_part + 1) << part_bits, next_);
  auto again = count(first_part << part_bits, end - 1, reader);
  if (!again) return base::pass(again);
  auto transaction = Transaction::begin(database_);
  if (!transaction) return base::pass(transaction);
  auto remove = database_.prepare("DELETE FROM parts WHERE part BETWEEN ?1 AND ?2");
  if (!remove) return base::pass(remove);
  remove->bind(1, as_integer(first_part));
  remove->bind(2, as_integer(last_part));
  auto status = remove->run();
  if (status) status = write_parts(*again);
  if (status) status = database_.run("DELETE FROM streams WHERE id NOT IN (SELECT stream FROM parts)");
  if (status) status = transaction->commit();
  rows_.clear();
  return status;
}

base::Status StreamIndex::forget_before(Sequence first, const StoreReader& reader) {
  if (first <= kept_from_) return {};
  if (auto written = write(); !written) return written;
  // The part that retention cut through is counted again, as far as the index has come.
  Noted again;
  if (next_ > first) {
    auto counted = count(first, std::min(first | ((Sequence{1} << part_bits) - 1), next_ - 1), reader);
    if (!counted) return base::pass(counted);
    again = std::move(*counted);
  }
  auto transaction = Transaction::begin(database_);
  if (!transaction) return base::pass(transaction);
  auto status = drop_parts(first);
  if (status) status = write_parts(again);
  if (status) status = database_.run("DELETE FROM streams WHERE id NOT IN (SELECT stream FROM parts)");
  if (status) status = set_state("kept_from", as_integer(first));
  if (status) status = transaction->commit();
  rows_.clear();
  if (status) kept_from_ = first;
  return status;
}

base::Status StreamIndex::drop_parts(Sequence first) {
  auto remove = database_.prepare("DELETE FROM parts WHERE part <= ?1");
  if (!remove) return base::pass(remove);
  remove->bind(1, as_integer(first >> part_bits));
  return remove->run();
}

base::Result<std::map<std::int64_t, record::Labels>> StreamIndex::all_labels() {
  auto select = database_.prepare("SELECT stream, name, value FROM stream_labels ORDER BY stream");
  if (!select) return base::pass(select);
  std::map<std::int64_t, std::vector<std::pair<std::string, std::string>>> pairs;
  for (;;) {
    auto row = select->step();
    if (!row) return base::pass(row);
    if (!*row) break;
    pairs[select->integer(0)].emplace_back(select->text(1), select->text(2));
  }
  std::map<std::int64_t, record::Labels> out;
  for (auto& [stream, labels] : pairs) out.emplace(stream, record::Labels(std::move(labels)));
  return out;
}

base::Result<std::vector<StreamSummary>> StreamIndex::summaries() {
  auto labels = all_labels();
  if (!labels) return base::pass(labels);
  auto select = database_.prepare(
      "SELECT stream, min(first_sequence), max(last_sequence), min(first_observed), max(last_observed), sum(records), sum(errors), "
      "sum(gaps) "
      "FROM parts GROUP BY stream ORDER BY min(first_sequence)");
  if (!select) return base::pass(select);
  std::vector<StreamSummary> out;
  for (;;) {
    auto row = select->step();
    if (!row) return base::pass(row);
    if (!*row) return out;
    StreamSummary summary;
    summary.stream = record::make_stream(std::move((*labels)[select->integer(0)]));
    summary.first_sequence = static_cast<Sequence>(select->integer(1));
    summary.last_sequence = static_cast<Sequence>(select->integer(2));
    summary.first_observed = select->integer(3);
    summary.last_observed = select->integer(4);
    summary.records = static_cast<std::uint64_t>(select->integer(5));
    summary.errors = static_cast<std::uint64_t>(select->integer(6));
    summary.gaps = static_cast<std::uint64_t>(select->integer(7));
    out.push_back(std::move(summary));
  }
}

}  // namespace telltale::store
