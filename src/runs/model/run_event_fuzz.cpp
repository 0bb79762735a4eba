// Any bytes as a request's body and as a stored event: no harm, and what reads is printed so that it reads back equal.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "runs/model/event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale::runs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto check = [](const Event& event) {
    std::string printed;
    append_event(printed, event);
    const auto back = parse_event(printed, 0, true);
    TT_ASSERT(back.has_value(), "a printed event reads back");
    std::string again;
    append_event(again, *back);
    TT_ASSERT(again == printed, "and prints the same");
  };
  if (const auto events = parse_events(text)) {
    for (const Event& event : *events) check(event);
  }
  if (const auto event = parse_event(text, 0, true)) check(*event);
  return 0;
}
