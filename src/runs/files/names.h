// Names of files made of names that others chose.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_zone.h"

namespace telltale::runs {

enum class ServiceFile : unsigned char { realtime, errors };
enum class TestFile : unsigned char { log, errors };

// `text` as part of a file's name: what could mean something to a file system or a shell becomes '_', at most `limit` bytes, never empty,
// never beginning with '.' or '-'.
std::string safe_name(std::string_view text, std::size_t limit);

// "<service>_realtime.log", "<service>_errors.log". Services whose names had to be changed get a hash, so that no two share a file.
std::string service_file_name(std::string_view service, ServiceFile kind);

// What a test's files may be called, in the order in which they are tried: the client's stem made safe, then with a part of the test's id
// (where another test has that name, or it cannot be told from another file's).
std::vector<std::string> test_stems(std::string_view file_stem, std::string_view test_id);
// "<stem>.log", "<stem>_ERRORS.log".
std::string test_file_name(std::string_view stem, TestFile kind);

// "<service>_realtime.log" -> "<service>_realtime_20251125_080312.log"; the time is when it was written last.
std::string rotated_name(std::string_view name, base::UnixNanos written, const base::TimeZone& zone);
// The name it had before it was rotated; empty when `name` is none of a rotated file.
std::string_view name_before_rotation(std::string_view name);
// A service's current file.
bool is_service_file(std::string_view name);

}  // namespace telltale::runs
