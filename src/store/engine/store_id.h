// DATA/store.id: who this store is. Three lines of text: id, epoch, key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/random.h"
#include "store/segment/frame.h"

namespace telltale::store {

struct StoreId {
  base::Hash128 id;
  std::uint32_t epoch = 1;  // counted up when sequences had to begin anew: cursors from before mean nothing then
  std::string key;          // 32 bytes for the KeyedHasher; a secret
};

// Reads the file.
base::Result<StoreId> read_store_id(base::Files& files, const std::string& folder);
// `present`: what the file says, if there is one. Without it one is made, with the identity that the segments name (`origin`), if any:
// then cursors stay good, and only hashes of before cannot be compared any more. `lost_segments`: a store whose segments are all gone
// gets a new epoch.
base::Result<StoreId> open_store_id(base::Files& files, base::Random& random, const std::string& folder, std::optional<StoreId> present,
                                    const std::optional<SegmentOrigin>& origin, bool lost_segments);

}  // namespace telltale::store
