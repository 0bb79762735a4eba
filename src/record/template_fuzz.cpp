#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "record/template.h"

// Variables are in order, not empty, do not overlap, and the parts between them are kept.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale::record;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  std::vector<TemplateVariable> variables;
  find_template_variables(message, variables);
  std::size_t at = 0;
  std::size_t masked = 0;
  for (const TemplateVariable& variable : variables) {
    if (variable.size == 0 || variable.begin < at || variable.begin + variable.size > size) std::abort();
    at = variable.begin + variable.size;
    masked += variable.size;
  }
  std::string text;
  append_template(text, message, variables);
  if (text.size() != size - masked + 3 * variables.size()) std::abort();
  return 0;
}
