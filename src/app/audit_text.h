// What an audit found, in words: for the commands and the end of `telltale run`.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace telltale::app {

// "12 streams, 48,120 lines, complete", or what is wrong, of an answer of GET /api/v1/runs/RUN/audit.
std::string audit_line(const boost::json::object& audit);
// Each finding, then what was left out: one line each, with the tests it meets.
std::vector<std::string> audit_details(const boost::json::object& audit);

}  // namespace telltale::app
