// DATA/store.id: who this store is. Three lines of text: id, epoch, key.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/random.h"

namespace telltale::store {

struct StoreId {
  base::Hash128 id;
  std::uint32_t epoch = 1;  // counted up when sequences had to begin anew: cursors from before mean nothing then
  std::string key;          // 32 bytes for the KeyedHasher; a secret
};

// Reads the file.
base::Result<StoreId> read_store_id(base::Files& files, const std::string& folder);
// Reads the file, or makes one when there is none. `lost_segments`: a store whose segments are all gone gets a new epoch.
base::Result<StoreId> open_store_id(base::Files& files, base::Random& random, const std::string& folder, bool lost_segments);

}  // namespace telltale::store
