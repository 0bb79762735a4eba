# Which compilers are accepted, and the flags every target shares.
#
# GCC before 14 destroys temporaries of awaited expressions twice (measured on 12.2: 13 of 32 shapes), which is a double free
# at run time without any diagnostic. Clang before 19 cannot use libstdc++ 12's std::expected.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries in a co_await expression are destroyed twice. "
    "Use Clang 19 or later (`make setup` installs it; the presets choose it) or GCC 14 or later.")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Clang ${CMAKE_CXX_COMPILER_VERSION} cannot compile std::expected of libstdc++ 12. Use Clang 19 or later (`make setup` installs it).")
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
  message(FATAL_ERROR "${CMAKE_CXX_COMPILER_ID} is not a tested compiler; use Clang 19 or later, or GCC 14 or later.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The same code model for libraries and programs, because they share one precompiled header (CMake's own property would mix -fPIC, -fPIE).
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
add_compile_options(-fPIE)
add_link_options(-pie)

option(TELLTALE_FUZZ "Build the fuzz targets with libFuzzer instead of with the corpus replayer" OFF)
set(TELLTALE_SANITIZE "" CACHE STRING "Sanitizers for every target, as for -fsanitize=")
option(TELLTALE_COVERAGE "Instrument for source-based coverage" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness lets ccache see through the precompiled header; clang's PCH carries no time stamp for the same reason.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1 ${CMAKE_SOURCE_DIR}/cmake/ccache.sh)
endif()

add_library(telltale_flags INTERFACE)
target_compile_options(telltale_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
target_include_directories(telltale_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(telltale_flags INTERFACE -Wthread-safety "SHELL:-Xclang -fno-pch-timestamp")
  add_link_options(-fuse-ld=lld)
endif()
if(TELLTALE_SANITIZE)
  add_compile_options(-fsanitize=${TELLTALE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TELLTALE_SANITIZE})
endif()
if(TELLTALE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TELLTALE_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
