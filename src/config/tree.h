// A YAML document as a small tree with line numbers; the one place that knows the YAML library.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace telltale::config {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { empty, scalar, sequence, map };
  Kind kind = Kind::empty;
  int line = 0;
  std::string text;            // of a scalar
  bool quoted = false;         // a scalar in quotes, or a block: a text whatever it looks like
  std::vector<Entry> entries;  // of a sequence (their keys are empty) and of a map, in the file's order
};

struct Entry {
  std::string key;
  int line = 0;
  Node node;
};

inline constexpr std::size_t max_document_bytes = 1024 * 1024;
inline constexpr std::size_t max_document_depth = 32;
inline constexpr std::size_t max_document_nodes = 100'000;

// The document, bounded by the limits above whatever the text is: hostile text costs time in proportion to its length and little stack. A
// text without content is an empty node. Keys that are given twice are added to `problems`; the first one counts.
std::expected<Node, Problem> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems);

}  // namespace telltale::config
