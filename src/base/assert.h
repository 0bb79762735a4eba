// Assertions stay on in release builds: a broken invariant ends the program with its place and text, before it can do harm.
#pragma once

#include <string_view>

namespace telltale::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, std::string_view why);
}

#define TT_ASSERT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::telltale::base::assertion_failed(#condition, __FILE__, __LINE__, why))
