// Between the text of a setting and its value.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/setting.h"

namespace telltale::config {

// What is allowed, as in "a whole number from 0 to 65535".
std::string allowed_text(const Setting& setting);

// The value of a setting that is one text, checked; the error says what is allowed. A list is split at commas, as in variables.
std::expected<Value, std::string> parse_value(const Setting& setting, std::string_view text);

// As it would be written: "256MiB", "10s", "true". Lists and maps are written as JSON, which is YAML too. A secret is *** unless empty.
std::string format_value(SettingType type, const Value& value);

}  // namespace telltale::config
