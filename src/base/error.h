// Errors as values. A function that can fail for reasons outside the program returns Result<T>; exceptions are for bugs.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error_code.h"

namespace telltale::base {

// What happened (`cause`: names the thing and the reason, with values) and what to do (`remedy`; empty means the code's own).
// Neither may hold a secret.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string cause;
  std::string remedy;

  // "cause. remedy", one line for people.
  std::string message() const;
  std::string_view remedy_text() const { return remedy.empty() ? info_of(code).remedy : std::string_view(remedy); }
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// The short way to return an error: `return fail(ErrorCode::not_found, "stream 'x' does not exist");`
inline std::unexpected<Error> fail(ErrorCode code, std::string cause, std::string remedy = {}) {
  return std::unexpected(Error{code, std::move(cause), std::move(remedy)});
}

// Passes an error on unchanged: `if (!file) return pass(file);`
template <class T>
std::unexpected<Error> pass(Result<T>& result) {
  return std::unexpected(std::move(result.error()));
}

// The error of a failed system call: chooses the code from errno; `what` says what was tried on what, as in "opening /x/y".
Error system_error(int errno_value, std::string_view what);

}  // namespace telltale::base
