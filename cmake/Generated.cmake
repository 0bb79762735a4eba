# Code that is generated from schema/: one source of truth for error codes and one for settings.
find_program(PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(error_code_header ${CMAKE_BINARY_DIR}/generated/base/error_code.h)
set(error_code_source ${CMAKE_SOURCE_DIR}/schema/error_codes.yaml)
set(error_code_tool ${CMAKE_SOURCE_DIR}/tools/gen/error_codes.py)
add_custom_command(
  OUTPUT ${error_code_header}
  COMMAND ${PYTHON3} ${error_code_tool} --schema ${error_code_source} --header ${error_code_header}
  DEPENDS ${error_code_source} ${error_code_tool} ${CMAKE_SOURCE_DIR}/tools/gen/generator.py
  VERBATIM)

set(settings_header ${CMAKE_BINARY_DIR}/generated/config/settings.h)
set(settings_source ${CMAKE_SOURCE_DIR}/schema/config.yaml)
set(settings_tool ${CMAKE_SOURCE_DIR}/tools/gen/config.py)
add_custom_command(
  OUTPUT ${settings_header}
  COMMAND ${PYTHON3} ${settings_tool} --schema ${settings_source} --header ${settings_header}
  DEPENDS ${settings_source} ${settings_tool} ${CMAKE_SOURCE_DIR}/tools/gen/generator.py
  VERBATIM)

set(environments_header ${CMAKE_BINARY_DIR}/generated/config/environment_settings.h)
set(environments_source ${CMAKE_SOURCE_DIR}/schema/environments.yaml)
set(environments_tool ${CMAKE_SOURCE_DIR}/tools/gen/environments.py)
add_custom_command(
  OUTPUT ${environments_header}
  COMMAND ${PYTHON3} ${environments_tool} --schema ${environments_source} --header ${environments_header}
  DEPENDS ${environments_source} ${settings_source} ${environments_tool} ${settings_tool} ${CMAKE_SOURCE_DIR}/tools/gen/generator.py
    ${CMAKE_SOURCE_DIR}/tools/gen/environments.md
  VERBATIM)

add_custom_target(telltale_generated DEPENDS ${error_code_header} ${settings_header} ${environments_header})
