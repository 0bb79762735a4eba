// A stream: one origin's channel, named by its labels.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace telltale::record {

using StreamId = base::Hash128;

// Sorted by name, names unique. Never holds the level.
class Labels {
 public:
  Labels() = default;
  // Sorts; of equal names the last wins; an empty value removes the label.
  explicit Labels(std::vector<std::pair<std::string, std::string>> pairs);

  // Empty when missing.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  bool operator==(const Labels&) const = default;

  // {service="api", stream="stdout"} with Go-style escapes: as LogQL writes it.
  std::string to_text() const;
  // Length-prefixed names and values in order: what the id is a hash of.
  std::string canonical() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Immutable. Shared by the source that reads it, its batches and the store's table of streams: the last of them frees it.
struct Stream {
  explicit Stream(Labels stream_labels);
  StreamId id;
  Labels labels;
};
using StreamRef = std::shared_ptr<const Stream>;

StreamRef make_stream(Labels labels);

}  // namespace telltale::record
