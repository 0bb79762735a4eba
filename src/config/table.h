// Looking things up in the table of settings.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/setting.h"

namespace telltale::config {

// Null when there is none. Paths of lists' entries are written with "[]".
const Setting* find_setting(std::string_view path);
const Setting* find_entry_setting(std::string_view path);

// "sources.files", "redaction.add" or "services".
bool is_list(std::string_view path);
// True when there is something below, as for "server".
bool is_section(std::string_view path);

// "; did you mean server.port?" or "; allowed here: ..." for the unknown key `key` under `parent` (empty: at the top).
std::string suggestion(std::string_view parent, std::string_view key);

}  // namespace telltale::config
