// Opaque text for a place in one store.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/engine/store.h"
#include "store/engine/store_id.h"

namespace telltale::store {

std::string make_cursor(const StoreId& id, Sequence sequence);
// cursor_invalid for text of another store, another epoch, or that is no cursor.
base::Result<Sequence> parse_cursor(const StoreId& id, std::string_view text);

}  // namespace telltale::store
