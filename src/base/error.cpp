#include "base/error.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace telltale::base {

namespace {

ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case ENOENT:
      return ErrorCode::file_not_found;
    case EEXIST:
      return ErrorCode::file_exists;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    case EISDIR:
      return ErrorCode::is_directory;
    case ENOTDIR:
      return ErrorCode::not_directory;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::disk_full;
    case EMFILE:
    case ENFILE:
      return ErrorCode::too_many_open_files;
    case EADDRINUSE:
      return ErrorCode::address_in_use;
    case EADDRNOTAVAIL:
      return ErrorCode::address_invalid;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ErrorCode::connection_failed;
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::connection_lost;
    case ETIMEDOUT:
      return ErrorCode::timeout;
    default:
      return ErrorCode::io_error;
  }
}

}  // namespace

std::string Error::message() const {
  return fmt::format("{}. {}", cause, remedy_text());
}

Error system_error(int errno_value, std::string_view what) {
  char buffer[128];
  return Error{code_of(errno_value), fmt::format("{}: {}", what, ::strerror_r(errno_value, buffer, sizeof buffer)), {}};
}

}  // namespace telltale::base
