#include "api/wire/json_input.h"

#include <string>

#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

namespace telltale::api {

base::Result<boost::json::object> parse_json_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::json::parser parser({}, options);
  boost::system::error_code error;
  const std::size_t parsed = parser.write(boost::json::string_view(text.data(), text.size()), error);
  if (error) {
    return base::fail(base::ErrorCode::malformed_request, "the JSON is wrong at byte " + std::to_string(parsed) + ": " + error.message());
  }
  boost::json::value value = parser.release();
  if (!value.is_object()) return base::fail(base::ErrorCode::malformed_request, "the JSON is not an object");
  return std::move(value.get_object());
}

}  // namespace telltale::api
