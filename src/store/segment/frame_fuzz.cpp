// Any bytes as a segment, and any bytes as a payload of rows (which a segment's CRCs would keep from the decoder).
#include <cstdlib>

#include "store/segment/batch_codec.h"
#include "store/segment/frame_walker.h"

namespace {

using namespace telltale::store;

void decode_payload(std::string_view payload) {
  ByteReader reader(payload);
  ItemHead head;
  while (reader.left() > 0 && read_item_head(reader, head)) {
    ByteReader labels(head.labels);
    if (head.has(item_defines_stream)) static_cast<void>(read_labels(labels));
    telltale::record::Batch batch;
    if (!decode_item(head, nullptr, batch)) continue;
    for (const telltale::record::Record& record : batch.records) {
      const bool inside = record.line.end() <= batch.text.size() && batch.view(record.body).size() == record.body.size;
      if (!inside || batch.attributes_of(record).size() != record.attribute_count) std::abort();
    }
  }
}

void walk_segment(std::string_view bytes) {
  FrameWalker walker(ByteSource(bytes, 0), 0, bytes.size());
  std::uint64_t covered = 0;
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return;
    if (*step == WalkStep::end) break;
    covered += *step == WalkStep::damage ? walker.damage().size : walker.header().end() - walker.header().offset;
    if (*step == WalkStep::frame) decode_payload(walker.payload());
  }
  if (covered != bytes.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Snapshot snapshot;
  switch (data[0] % 3) {
    case 0:
      walk_segment(bytes);
      break;
    case 1:
      decode_payload(bytes);
      break;
    default:
      static_cast<void>(decode_snapshot(bytes, snapshot));
  }
  return 0;
}
