// Files that were followed, read again: found by their identity, or by the bytes that their position remembers under the names that the
// position and the rules of rotation tell of. Nothing is kept open, and nothing written.
#pragma once

#include "base/files.h"
#include "base/hash.h"
#include "sources/origin_reader.h"

namespace telltale::sources {

class FileOriginReader final : public OriginReader {
 public:
  // `hasher`: the store's. Both outlive it.
  FileOriginReader(base::Files& files, const base::KeyedHasher& hasher) : files_(files), hasher_(hasher) {}

  bool can_reopen(const record::Position& position) const override;
  base::UnixNanos first_seen(const record::Position& position) const override;
  base::UnixNanos born(const record::Position& position) const override;
  base::Result<std::unique_ptr<OriginBytes>> reopen(const record::Position& position) const override;

 private:
  base::Files& files_;
  const base::KeyedHasher& hasher_;
};

}  // namespace telltale::sources
