// Positions inside a block of a file, for the pipeline: it commits a block's first lines while the last ones wait for what follows.
#pragma once

#include <string>

#include "base/hash.h"
#include "record/raw_block.h"
#include "sources/file/position.h"
#include "sources/text/text_encoding.h"

namespace telltale::sources {

// Everything it needs is its own but the hasher, which outlives it.
class FileInnerPositions final : public record::InnerPositions {
 public:
  struct Start {
    std::string key;
    FilePosition position;  // offset and line: where the block begins; head: a mark of bytes before it, or of none
    TextEncoding encoding = TextEncoding::bytes;
    std::string head;  // the file's first bytes, all before the block; left empty when the mark is of head_bytes
    std::string tail;  // the last bytes before the block
  };
  FileInnerPositions(const base::KeyedHasher& hasher, Start start) : hasher_(hasher), start_(std::move(start)) {}

  record::Position behind(std::string_view begin, std::uint64_t lines) const override;

 private:
  const base::KeyedHasher& hasher_;
  const Start start_;
};

}  // namespace telltale::sources
