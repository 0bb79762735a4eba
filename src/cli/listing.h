// Commands that show a list of the API, page by page.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "cli/context.h"
#include "cli/endpoint.h"

namespace telltale::cli {

struct Listing {
  std::string target;       // path with query
  std::string_view member;  // of the answer, that has the list
  std::string_view none;    // what is said when it is empty
  std::function<std::string(const boost::json::array& entries, bool colours)> text;
};

// Prints one page, as JSON where that was asked for, and says how to go on. The exit code.
int show(Context& context, Endpoint& endpoint, const Listing& listing);

}  // namespace telltale::cli
