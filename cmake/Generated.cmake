# Code that is generated from schema/: one source of truth for error codes.
find_program(PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(error_code_header ${CMAKE_BINARY_DIR}/generated/base/error_code.h)
set(error_code_source ${CMAKE_SOURCE_DIR}/schema/error_codes.yaml)
set(error_code_tool ${CMAKE_SOURCE_DIR}/tools/gen/error_codes.py)
add_custom_command(
  OUTPUT ${error_code_header}
  COMMAND ${PYTHON3} ${error_code_tool} --schema ${error_code_source} --header ${error_code_header}
  DEPENDS ${error_code_source} ${error_code_tool}
  VERBATIM)
add_custom_target(telltale_generated DEPENDS ${error_code_header})
