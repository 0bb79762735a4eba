// What a store has of follow streams, sorted by stream.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sources/follow/follow_delivery.h"

namespace telltale::sources {

using StoredStreams = std::map<std::string, FollowDelivery::Stored, std::less<>>;

// Of the streams whose key begins with `kind` and a colon. A stream of which only chunks are left has an empty cursor.
StoredStreams read_stored_streams(std::string_view kind, const std::vector<record::Position>& positions);

}  // namespace telltale::sources
