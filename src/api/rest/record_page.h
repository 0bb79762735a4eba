// What the routes that give records by pages have in common.
#pragma once

#include <string>

#include "net/http/http.h"
#include "query/exec/query.h"
#include "store/engine/store.h"

namespace telltale::api {

// Parameters start and end.
base::Status read_times(const net::Request& request, query::QueryRequest& query);
// Parameters limit, direction and cursor.
base::Status read_page(const net::Request& request, const store::StoreReader& store, query::QueryRequest& query);
// The end of an object whose last member so far is a list of records that is still open.
void append_page_end(std::string& out, const store::StoreReader& store, const query::QueryAnswer& answer);

}  // namespace telltale::api
