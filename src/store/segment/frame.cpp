#include "store/segment/frame.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace telltale::store {

namespace {

constexpr std::size_t crc_offset = frame_header_size - sizeof(std::uint32_t);

class HeaderWriter {
 public:
  explicit HeaderWriter(HeaderBytes& out) : out_(out) {}
  template <class Number>
  HeaderWriter& put(Number value) {
    std::memcpy(out_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
    return *this;
  }

 private:
  HeaderBytes& out_;
  std::size_t at_ = 0;
};

}  // namespace

HeaderBytes encode_header(const FrameHeader& header) {
  HeaderBytes out{};
  HeaderWriter writer(out);
  writer.put(frame_magic).put(header.version).put(static_cast<std::uint8_t>(header.kind)).put(header.flags);
  writer.put(header.payload_size).put(header.raw_size).put(header.payload_crc);
  writer.put(header.record_count).put(header.gap_count).put(header.item_count).put(header.window);
  writer.put(header.store).put(header.salt).put(header.offset).put(header.durable_offset).put(header.first_sequence);
  writer.put(header.min_observed).put(header.max_observed).put(header.min_index).put(header.max_index);
  writer.put(std::uint32_t{0}).put(base::crc32c({out.data(), crc_offset}));
  return out;
}

HeaderCheck decode_header(std::string_view bytes, FrameHeader& out) {
  if (bytes.size() < frame_header_size) return HeaderCheck::damaged;
  ByteReader reader(bytes.substr(0, frame_header_size));
  if (reader.fixed<std::uint32_t>() != frame_magic) return HeaderCheck::damaged;
  std::uint32_t crc = 0;
  std::memcpy(&crc, bytes.data() + crc_offset, sizeof crc);
  if (crc != base::crc32c(bytes.substr(0, crc_offset))) return HeaderCheck::damaged;
  out.version = reader.byte();
  if (out.version > format_version) return HeaderCheck::newer;
  out.kind = static_cast<FrameKind>(reader.byte());
  out.flags = reader.fixed<std::uint16_t>();
  out.payload_size = reader.fixed<std::uint32_t>();
  out.raw_size = reader.fixed<std::uint32_t>();
  out.payload_crc = reader.fixed<std::uint32_t>();
  out.record_count = reader.fixed<std::uint32_t>();
  out.gap_count = reader.fixed<std::uint32_t>();
  out.item_count = reader.fixed<std::uint32_t>();
  out.window = reader.fixed<std::uint32_t>();
  out.store = reader.fixed<std::uint32_t>();
  out.salt = reader.fixed<std::uint64_t>();
  out.offset = reader.fixed<std::uint64_t>();
  out.durable_offset = reader.fixed<std::uint64_t>();
  out.first_sequence = reader.fixed<std::uint64_t>();
  out.min_observed = reader.fixed<std::int64_t>();
  out.max_observed = reader.fixed<std::int64_t>();
  out.min_index = reader.fixed<std::int64_t>();
  out.max_index = reader.fixed<std::int64_t>();
  return out.payload_size <= max_payload_size ? HeaderCheck::good : HeaderCheck::damaged;
}

std::uint32_t payload_crc(std::span<const std::string_view> pieces) {
  std::uint32_t crc = 0;
  for (const std::string_view piece : pieces) crc = base::crc32c(piece, crc);
  return crc;
}

void append_labels(std::string& out, const record::Labels& labels) {
  append_varint(out, labels.pairs().size());
  for (const auto& [name, value] : labels.pairs()) {
    append_text(out, name);
    append_text(out, value);
  }
}

record::Labels read_labels(ByteReader& reader) {
  const std::uint64_t count = reader.varint();
  if (count > reader.left()) reader.fail();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
    std::string name(reader.text());
    pairs.emplace_back(std::move(name), std::string(reader.text()));
  }
  return record::Labels(std::move(pairs));
}

std::uint32_t store_mark(const base::Hash128& store_id) {
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(base::hash64(store_id.hex())));
}

namespace {

void append_origin(std::string& out, const SegmentOrigin& origin) {
  append_fixed(out, origin.store_id.high);
  append_fixed(out, origin.store_id.low);
  append_fixed(out, origin.epoch);
  for (const record::Sequence sequence : {origin.oldest, origin.before, origin.before_end}) append_varint(out, sequence);
}

SegmentOrigin read_origin(ByteReader& reader) {
  SegmentOrigin origin;
  origin.store_id.high = reader.fixed<std::uint64_t>();
  origin.store_id.low = reader.fixed<std::uint64_t>();
  origin.epoch = reader.fixed<std::uint32_t>();
  for (record::Sequence* sequence : {&origin.oldest, &origin.before, &origin.before_end}) *sequence = reader.varint();
  return origin;
}

}  // namespace

std::string encode_snapshot(const Snapshot& snapshot) {
  std::string out;
  append_fixed(out, snapshot.created);
  append_varint(out, snapshot.positions.size());
  for (const auto& [key, value] : snapshot.positions) {
    append_text(out, key);
    append_text(out, value);
  }
  append_varint(out, snapshot.streams.size());
  for (const StreamEntry& entry : snapshot.streams) {
    append_varint(out, entry.last_sequence);
    append_labels(out, entry.stream->labels);
  }
  if (snapshot.origin) append_origin(out, *snapshot.origin);
  return out;
}

bool decode_snapshot(std::string_view payload, Snapshot& out) {
  ByteReader reader(payload);
  out.created = reader.fixed<std::int64_t>();
  const std::uint64_t positions = reader.varint();
  for (std::uint64_t i = 0; i < positions && !reader.failed(); ++i) {
    std::string key(reader.text());
    out.positions[std::move(key)] = std::string(reader.text());
  }
  const std::uint64_t streams = reader.varint();
  for (std::uint64_t i = 0; i < streams && !reader.failed(); ++i) {
    const record::Sequence last = reader.varint();
    record::Labels labels = read_labels(reader);
    if (!reader.failed()) out.streams.push_back({record::make_stream(std::move(labels)), last});
  }
  if (!reader.failed() && reader.left() > 0) out.origin = read_origin(reader);
  return !reader.failed();
}

void SegmentTotals::add(const FrameHeader& header) {
  ++frames;
  if (header.record_count == 0) return;
  if (records == 0) first_sequence = header.first_sequence;
  records += header.record_count;
  gaps += header.gap_count;
  flags |= header.flags & kept_frame_flags;
  last_sequence = header.last_sequence();
  min_observed = std::min(min_observed, header.min_observed);
  max_observed = std::max(max_observed, header.max_observed);
  min_index = std::min(min_index, header.min_index);
  max_index = std::max(max_index, header.max_index);
}

std::string encode_seal(const SegmentTotals& totals) {
  std::string out;
  for (const std::uint64_t value : {totals.frames, totals.records, totals.gaps, totals.first_sequence, totals.last_sequence}) {
    append_fixed(out, value);
  }
  for (const std::int64_t value : {totals.min_observed, totals.max_observed, totals.min_index, totals.max_index}) {
    append_fixed(out, value);
  }
  append_fixed(out, totals.flags);
  return out;
}

bool decode_seal(std::string_view payload, SegmentTotals& out) {
  ByteReader reader(payload);
  for (std::uint64_t* value : {&out.frames, &out.records, &out.gaps, &out.first_sequence, &out.last_sequence}) {
    *value = reader.fixed<std::uint64_t>();
  }
  for (std::int64_t* value : {&out.min_observed, &out.max_observed, &out.min_index, &out.max_index}) {
    *value = reader.fixed<std::int64_t>();
  }
  out.flags = reader.fixed<std::uint64_t>();
  return !reader.failed() && payload.size() == seal_payload_size;
}

}  // namespace telltale::store
