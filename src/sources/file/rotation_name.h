// What names say of rotated files: app.log, app.log.1, app.log-20261121, app-2026-11-21.log, app.log.2.gz…
#pragma once

#include <string>
#include <string_view>

namespace telltale::sources {

// A file's name (not path) without what rotation adds to it: "app.log.1" -> "app.log", "app-20261121.log" -> "app.log". A name that
// is none of a rotated file is returned as it is.
std::string base_name_of(std::string_view name);

// Could `name` be a rotated form of the file `current`, or a copy of it? Any name that is `current` with something after it or before
// its extension.
bool is_sibling_name(std::string_view name, std::string_view current);

// The same for whole paths: beside each other, and a sibling's name.
bool is_sibling_path(std::string_view path, std::string_view current);

// The path of the file that one at `path` was rotated from, by its name; its own when the name tells of no rotation.
std::string lineage_path(std::string_view path);

// Without the ending of is_compressed_name().
std::string_view without_compression(std::string_view name);

// .gz .bz2 .xz .zst .lz4 .zip
bool is_compressed_name(std::string_view name);

// The number of "app.log.3" or "app.log.3.gz" (higher is older); 0: no number, or a date.
unsigned rotation_number(std::string_view name);

// For the label `service`: "app.log.1" -> "app", "api.out" -> "api", "messages" -> "messages", ".log" -> ".log".
std::string stem_of(std::string_view name);

}  // namespace telltale::sources
