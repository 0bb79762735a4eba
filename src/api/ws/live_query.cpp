#include "api/ws/live_query.h"

#include "api/wire/parameters.h"
#include "base/text.h"
#include "net/ws/ws.h"
#include "record/wire.h"

namespace telltale::api {

base::Result<LiveQuery> compile_live_query(std::string_view text, const record::ComputedLabels* labels) {
  const std::string_view asked = base::trim(text).empty() ? std::string_view("{}") : text;
  auto predicate = query::compile(asked, labels);
  if (!predicate) return base::pass(predicate);
  return LiveQuery{std::string(asked), *std::move(predicate)};
}

base::Result<Sequence> resume_point(const store::StoreReader& store, std::string_view text) {
  Sequence sequence = 0;
  if (const auto number = parse_sequence(text)) {
    sequence = *number;
  } else {
    const auto read = store.read_cursor(text);
    if (!read) return std::unexpected(read.error());
    sequence = *read;
  }
  if (sequence > 0 && sequence >= store.stats().next_sequence) {
    return base::fail(base::ErrorCode::cursor_invalid, "the sequence " + std::to_string(sequence) + " was not given out yet");
  }
  return sequence;
}

void FrameEncoder::add(const CommittedBatchRef& batch, const record::RecordPredicate& predicate, Sequence after, Sequence to) {
  if (batch->batch.records.empty() || batch->last_sequence() <= after || !predicate.may_match(*batch->batch.stream)) return;
  selected_.clear();
  predicate.select(*batch, selected_);
  for (const std::uint32_t index : selected_) {
    const Sequence sequence = batch->first_sequence + index;
    if (sequence > after && sequence <= to) add({&batch->batch, &batch->batch.records[index], sequence});
  }
}

void FrameEncoder::add(const record::RecordView& view) {
  entry_.clear();
  record::append_wire_entry(entry_, view);
  net::append_ws_text_frame(out_, entry_);
  ++records_;
}

EncodedFrames FrameEncoder::take() {
  EncodedFrames encoded;
  if (records_ == 0) return encoded;
  encoded.records = records_;
  encoded.frames = std::make_shared<const std::string>(std::move(out_));
  out_.clear();
  records_ = 0;
  return encoded;
}

}  // namespace telltale::api
