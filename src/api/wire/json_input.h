// Small JSON documents of clients.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "base/error.h"

namespace telltale::api {

// An object nested at most 16 deep; malformed_request says where the text is wrong.
base::Result<boost::json::object> parse_json_object(std::string_view text);

}  // namespace telltale::api
