// What is stored of a stream of a relay: how far it is committed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "record/batch.h"
#include "sources/process/relay_message.h"

namespace telltale::sources {

inline constexpr std::string_view process_key_prefix = "process:";

// Value: "1 OFFSET LINE STREAM", STREAM being the stream's id in hexadecimal. It is removed when the stream has ended.
struct ProcessPosition {
  StreamPlace at;
  record::StreamId stream;
};

// "process:" and the stream's key.
std::string process_position_key(std::string_view key);
std::string encode_process_position(const ProcessPosition& position);
// Nothing for text that is no position of a version this program knows.
std::optional<ProcessPosition> decode_process_position(std::string_view value);

}  // namespace telltale::sources
