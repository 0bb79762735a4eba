#include "config/value.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"

namespace telltale::config {

namespace {

using Parsed = std::expected<Value, std::string>;

std::unexpected<std::string> refuse(const Setting& setting) {
  return std::unexpected("must be " + allowed_text(setting));
}

Parsed in_range(const Setting& setting, std::int64_t number) {
  if (number < setting.min || number > setting.max) return refuse(setting);
  return number;
}

Parsed parse_number(const Setting& setting, std::string_view text) {
  if (setting.type == SettingType::duration) {
    const auto duration = base::parse_duration(text);
    return duration ? in_range(setting, *duration) : refuse(setting);
  }
  if (setting.type == SettingType::bytes) {
    const auto bytes = base::parse_bytes(text);
    if (!bytes || *bytes > static_cast<std::uint64_t>(setting.max)) return refuse(setting);
    return in_range(setting, static_cast<std::int64_t>(*bytes));
  }
  if (setting.type == SettingType::offset) {
    const bool negative = text.starts_with('-');
    const auto offset = base::parse_duration(negative ? text.substr(1) : text);
    return offset ? in_range(setting, negative ? -*offset : *offset) : refuse(setting);
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return refuse(setting);
  return in_range(setting, number);
}

Parsed parse_fraction(const Setting& setting, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // "nan" is in no range.
  const bool fits = number >= static_cast<double>(setting.min) && number <= static_cast<double>(setting.max);
  if (error != std::errc() || end != text.data() + text.size() || !fits) return refuse(setting);
  return number;
}

Parsed parse_choice(const Setting& setting, std::string_view text) {
  for (const std::string_view allowed : setting.allowed) {
    if (base::equals_ignoring_case(allowed, text)) return std::string(allowed);
  }
  for (const Alias& alias : setting.aliases) {
    if (base::equals_ignoring_case(alias.word, text)) return std::string(alias.value);
  }
  return refuse(setting);
}

Parsed parse_boolean(const Setting& setting, std::string_view text) {
  for (const std::string_view word : {"true", "yes", "on", "1"}) {
    if (base::equals_ignoring_case(word, text)) return true;
  }
  for (const std::string_view word : {"false", "no", "off", "0"}) {
    if (base::equals_ignoring_case(word, text)) return false;
  }
  return refuse(setting);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Parsed parse_zone(const Setting& setting, std::string_view text) {
  if (base::equals_ignoring_case(text, "local")) return "local";
  if (base::equals_ignoring_case(text, "UTC") || text == "Z") return "UTC";
  const bool shaped = text.size() == 6 && (text[0] == '+' || text[0] == '-') && is_digit(text[1]) && is_digit(text[2]) && text[3] == ':' &&
                      is_digit(text[4]) && is_digit(text[5]);
  // Zones reach from -12:00 to +14:00.
  if (!shaped || text.substr(1, 2) > "14" || text.substr(4, 2) > "59") return refuse(setting);
  return std::string(text);
}

Parsed parse_start(const Setting& setting, std::string_view text) {
  for (const std::string_view word : {"beginning", "end"})
    if (base::equals_ignoring_case(word, text)) return std::string(word);
  const bool is_time = text.starts_with('-') ? base::parse_duration(text.substr(1)).has_value() : base::parse_rfc3339(text).has_value();
  if (!is_time) return refuse(setting);
  return std::string(text);
}

TextList split_at_commas(std::string_view text) {
  TextList parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto part = base::trim(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

std::string json(const TextList& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    base::append_json_string(out, text);
  }
  return out + "]";
}

std::string json(const TextMap& texts) {
  std::string out = "{";
  for (const auto& [key, text] : texts) {
    if (out.size() > 1) out += ", ";
    base::append_json_string(out, key);
    out += ": ";
    base::append_json_string(out, text);
  }
  return out + "}";
}

std::string number_text(SettingType type, std::int64_t number) {
  if (type == SettingType::duration || type == SettingType::offset) return base::format_duration(number);
  if (type == SettingType::bytes) return base::format_bytes(static_cast<std::uint64_t>(number));
  return std::to_string(number);
}

}  // namespace

std::string allowed_text(const Setting& setting) {
  const auto range = [&] {
    return fmt::format("from {} to {}", number_text(setting.type, setting.min), number_text(setting.type, setting.max));
  };
  switch (setting.type) {
    case SettingType::boolean:
      return "true or false";
    case SettingType::integer:
      return "a whole number " + range();
    case SettingType::number:
      return "a number " + range();
    case SettingType::bytes:
      return "a size " + range() + ", as in 64KiB";
    case SettingType::offset:
      return "a time " + range() + ", as in 5s or -200ms";
    case SettingType::duration:
      return "a time " + range() + ", as in 10ms, 1.5s or 7d";
    case SettingType::choice:
      return fmt::format("one of {}", fmt::join(setting.allowed, ", "));
    case SettingType::zone:
      return "local, UTC or an offset such as +02:00";
    case SettingType::start:
      return "beginning, end, or a time such as 2026-11-25T10:00:00Z or -10m";
    case SettingType::text_list:
      return "a list of texts";
    case SettingType::text_map:
      return "a map of names to texts";
    case SettingType::text_lists:
      return "a map of names to lists of texts";
    case SettingType::command:
      return "a text, or a list of program and arguments";
    case SettingType::any:
      return "anything";
    case SettingType::text:
    case SettingType::secret:
    case SettingType::pattern:
      return "a text";
  }
  return "a text";
}

Parsed parse_value(const Setting& setting, std::string_view text) {
  switch (setting.type) {
    case SettingType::boolean:
      return parse_boolean(setting, text);
    case SettingType::integer:
    case SettingType::bytes:
    case SettingType::duration:
    case SettingType::offset:
      return parse_number(setting, text);
    case SettingType::number:
      return parse_fraction(setting, text);
    case SettingType::choice:
      return parse_choice(setting, text);
    case SettingType::zone:
      return parse_zone(setting, text);
    case SettingType::start:
      return parse_start(setting, text);
    case SettingType::text_list:
      return split_at_commas(text);
    case SettingType::text_map:
    case SettingType::text_lists:
      return refuse(setting);
    case SettingType::text:
    case SettingType::secret:
    case SettingType::pattern:
    case SettingType::command:
    case SettingType::any:
      break;
  }
  // A zero byte would end a path or a name early wherever C sees it.
  if (text.find('\0') != std::string_view::npos) return std::unexpected("must be a text without zero bytes");
  return std::string(text);
}

std::string format_value(SettingType type, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return number_text(type, *number);
  if (const auto* fraction = std::get_if<double>(&value)) return fmt::format("{}", *fraction);
  if (const auto* list = std::get_if<TextList>(&value)) return json(*list);
  if (const auto* map = std::get_if<TextMap>(&value)) return json(*map);
  const auto& text = std::get<std::string>(value);
  return type == SettingType::secret && !text.empty() ? "***" : text;
}

}  // namespace telltale::config
