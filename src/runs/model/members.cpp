#include "runs/model/members.h"

#include <charconv>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"

namespace telltale::runs {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

// What is shown of a value that is refused.
std::string shown(std::string_view text) {
  constexpr std::size_t most = 60;
  return text.size() <= most ? base::to_printable(text) : base::to_printable(text.substr(0, most)) + "...";
}

}  // namespace

const json::value* Members::member(std::string_view name) const {
  const json::value* const found = object_.if_contains(json::string_view(name.data(), name.size()));
  return found != nullptr && !found->is_null() ? found : nullptr;
}

void Members::fail(std::string_view name, std::string_view trouble) {
  if (failed()) return;
  status_ = base::fail(base::ErrorCode::invalid_argument, where_ + ": '" + std::string(name) + "' " + std::string(trouble));
}

void Members::refuse(std::string_view name, std::string_view found, std::string_view words) {
  fail(name, "is '" + shown(found) + "'; allowed: " + std::string(words));
}

std::string Members::text(std::string_view name, Need need, std::size_t max_bytes) {
  if (failed()) return {};
  const json::value* const value = member(name);
  if (value == nullptr) {
    if (need == Need::required) fail(name, "is missing; it is text");
    return {};
  }
  if (!value->is_string()) {
    fail(name, "is not text");
    return {};
  }
  const std::string_view found = view(value->get_string());
  if (found.empty() && need == Need::required) fail(name, "is empty");
  if (found.size() > max_bytes) {
    fail(name, "has " + std::to_string(found.size()) + " bytes; " + std::to_string(max_bytes) + " at most");
  }
  return failed() ? std::string() : std::string(found);
}

std::int64_t Members::integer(std::string_view name, Need need, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  if (failed()) return fallback;
  const std::string words = "is not an integer from " + std::to_string(min) + " to " + std::to_string(max);
  const json::value* const value = member(name);
  if (value == nullptr) {
    if (need == Need::required) fail(name, "is missing; it is an integer");
    return fallback;
  }
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error || number < min || number > max) {
    fail(name, words);
    return fallback;
  }
  return number;
}

std::optional<std::int64_t> Members::nanos(std::string_view name, Need need, std::int64_t unit_ns, std::int64_t min_ns,
                                           std::int64_t max_ns) {
  if (failed()) return std::nullopt;
  const json::value* const value = member(name);
  if (value == nullptr) {
    if (need == Need::required) fail(name, "is missing; it is a number");
    return std::nullopt;
  }
  const auto unit = static_cast<double>(unit_ns);
  const double number = value->is_number() ? value->to_number<double>() : std::nan("");
  // Written so that NaN is refused too.
  if (!(number * unit >= static_cast<double>(min_ns) && number * unit <= static_cast<double>(max_ns))) {
    fail(name, "is not a number from " + std::to_string(min_ns / unit_ns) + " to " + std::to_string(max_ns / unit_ns));
    return std::nullopt;
  }
  // The parts one by one: their product with the unit is not rounded then.
  double whole = 0;
  const double fraction = std::modf(number, &whole);
  return static_cast<std::int64_t>(whole) * unit_ns + std::llround(fraction * unit);
}

std::optional<std::int64_t> Members::decimal(std::string_view name) {
  if (failed()) return std::nullopt;
  const json::value* const value = member(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  std::int64_t number = 0;
  const std::string_view digits = value->is_string() ? view(value->get_string()) : std::string_view();
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    fail(name, "is not a decimal integer in quotes");
    return std::nullopt;
  }
  return number;
}

bool Members::boolean(std::string_view name) {
  const json::value* const value = failed() ? nullptr : member(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) fail(name, "is neither true nor false");
  return !failed() && value->get_bool();
}

base::UnixNanos Members::time(std::string_view name, Need need) {
  const std::string found = text(name, need, 64);
  if (failed() || found.empty()) return 0;
  const auto time = base::parse_rfc3339(found);
  if (!time) refuse(name, found, "RFC 3339 such as 2026-11-25T08:03:12.123456789Z");
  return time.value_or(0);
}

std::vector<std::string> Members::texts(std::string_view name, std::size_t max_count, std::size_t max_bytes) {
  std::vector<std::string> out;
  const json::array* const list = array(name, Need::optional, max_count);
  if (list == nullptr) return out;
  for (const json::value& value : *list) {
    const bool good = value.is_string() && !value.get_string().empty() && value.get_string().size() <= max_bytes;
    if (!good) {
      fail(name, "is not a list of texts of 1 to " + std::to_string(max_bytes) + " bytes");
      return {};
    }
    out.emplace_back(view(value.get_string()));
  }
  return out;
}

record::Labels Members::labels(std::string_view name) {
  const json::object* const found = object(name);
  if (failed()) return {};
  if (found == nullptr || found->empty() || found->size() > 100) {
    fail(name, "is not an object of 1 to 100 labels");
    return {};
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [key, value] : *found) {
    if (!value.is_string() || value.get_string().empty() || key.empty()) {
      fail(name, "has a label whose name or value is empty or no text");
      return {};
    }
    pairs.emplace_back(std::string(key.data(), key.size()), std::string(view(value.get_string())));
  }
  return record::Labels(std::move(pairs));
}

const json::object* Members::object(std::string_view name) {
  const json::value* const value = failed() ? nullptr : member(name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) fail(name, "is not an object");
  return value->if_object();
}

const json::array* Members::array(std::string_view name, Need need, std::size_t max_count) {
  if (failed()) return nullptr;
  const json::value* const value = member(name);
  if (value == nullptr) {
    if (need == Need::required) fail(name, "is missing; it is a list");
    return nullptr;
  }
  if (!value->is_array() || value->get_array().size() > max_count) {
    fail(name, "is not a list of at most " + std::to_string(max_count));
    return nullptr;
  }
  return value->if_array();
}

const json::object* Members::element(const json::value& value, std::string_view name) {
  if (failed()) return nullptr;
  if (!value.is_object()) fail(name, "holds something that is not an object");
  return value.if_object();
}

}  // namespace telltale::runs
