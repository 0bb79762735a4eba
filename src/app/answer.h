// Answers of the API, read by its own clients: the commands and `telltale run`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "net/http/http.h"

namespace telltale::app {

inline constexpr std::int64_t answer_timeout_ns = 60 * base::nanos_per_second;

// The error that an answer's problem document stands for.
base::Error error_of(const net::Response& response);
// The answer's JSON object; internal when it is none.
base::Result<boost::json::object> object_of(const net::Response& response);
// Members; empty or 0 where they are missing, null or of another kind.
std::string_view text_of(const boost::json::object& object, std::string_view key);
double number_of(const boost::json::object& object, std::string_view key);
std::uint64_t count_of(const boost::json::object& object, std::string_view key);
bool flag_of(const boost::json::object& object, std::string_view key);
const boost::json::object& object_of(const boost::json::object& object, std::string_view key);
const boost::json::array& array_of(const boost::json::object& object, std::string_view key);
// A header of the answer; empty when missing.
std::string_view header_of(const net::Response& response, std::string_view name);

// "name=value", percent-encoded, with the "?" or "&" before it; nothing for an empty value.
void add_parameter(std::string& target, std::string_view name, std::string_view value);

}  // namespace telltale::app
