#include "sources/follow/stored_streams.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

StoredStreams read_stored_streams(std::string_view kind, const std::vector<record::Position>& positions) {
  const std::string begin = std::string(kind) + ':';
  StoredStreams streams;
  for (const record::Position& position : positions) {
    if (const auto chunk = read_chunk_key(position.key); chunk && chunk->stream_key.starts_with(begin)) {
      // One that cannot be read is as one that is missing; its key is still to be forgotten some day.
      streams[chunk->stream_key].chunks.push_back({chunk->chunk, decode_marks(position.value).value_or(std::vector<LineMark>{})});
    } else if (position.key.starts_with(follow_key_prefix)) {
      const std::string key = position.key.substr(follow_key_prefix.size());
      auto cursor = decode_cursor(position.value);
      if (cursor && key.starts_with(begin)) streams[key].cursor = std::move(*cursor);
    }
  }
  for (auto& [key, stored] : streams) std::ranges::sort(stored.chunks, {}, [](const LineWindow::Chunk& chunk) { return chunk.number; });
  return streams;
}

}  // namespace telltale::sources
