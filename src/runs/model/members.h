// Reads the members of a JSON object and keeps the first thing that is wrong: it names the object, the member, and what is allowed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "record/stream.h"

namespace telltale::runs {

enum class Need : std::uint8_t { optional, required };

// A required member is there; a text member is not empty then. After a failure all answers are empty values. One thread.
class Members {
 public:
  // `where` is shown in messages: "event 3". Errors go into `status`, shared with the readers of nested objects.
  Members(const boost::json::object& object, std::string where, base::Status& status)
      : object_(object), where_(std::move(where)), status_(status) {}

  bool failed() const { return !status_.has_value(); }
  void fail(std::string_view name, std::string_view trouble);
  bool has(std::string_view name) const { return member(name) != nullptr; }

  std::string text(std::string_view name, Need need, std::size_t max_bytes);
  // Text that `allowed` says yes to; `words` tells people what that is.
  template <class Allowed>
  std::string text_if(std::string_view name, Need need, std::size_t max_bytes, Allowed&& allowed, std::string_view words) {
    std::string found = text(name, need, max_bytes);
    if (!failed() && !found.empty() && !allowed(found)) refuse(name, found, words);
    return found;
  }
  // One of the names that `parse` knows; `fallback` when it is missing and may be.
  template <class Value, class Parse>
  Value choice(std::string_view name, Need need, Value fallback, Parse&& parse, std::string_view words) {
    const std::string found = text(name, need, 100);
    if (failed() || found.empty()) return fallback;
    const auto value = parse(found);
    if (!value) refuse(name, found, words);
    return value.value_or(fallback);
  }
  std::int64_t integer(std::string_view name, Need need, std::int64_t fallback, std::int64_t min, std::int64_t max);
  // A number of `unit_ns` (milliseconds, seconds), in nanoseconds; both bounds are inclusive.
  std::optional<std::int64_t> nanos(std::string_view name, Need need, std::int64_t unit_ns, std::int64_t min_ns, std::int64_t max_ns);
  // A decimal integer written as text or as a number.
  std::optional<std::int64_t> decimal(std::string_view name);
  bool boolean(std::string_view name);
  // RFC 3339.
  base::UnixNanos time(std::string_view name, Need need);
  std::vector<std::string> texts(std::string_view name, std::size_t max_count, std::size_t max_bytes);
  // An object of texts, at least one.
  record::Labels labels(std::string_view name);
  // Null when it is missing.
  const boost::json::object* object(std::string_view name);
  const boost::json::array* array(std::string_view name, Need need, std::size_t max_count);
  // Members of an object within this one; `name` as in "services[2]".
  Members within(const boost::json::object& object, const std::string& name) const { return {object, where_ + ", " + name, status_}; }
  // The element of an array as an object; null after a failure.
  const boost::json::object* element(const boost::json::value& value, std::string_view name);

 private:
  const boost::json::value* member(std::string_view name) const;
  void refuse(std::string_view name, std::string_view found, std::string_view words);

  const boost::json::object& object_;
  const std::string where_;
  base::Status& status_;
};

}  // namespace telltale::runs
