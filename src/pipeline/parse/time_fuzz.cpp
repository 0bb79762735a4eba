#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pipeline/parse/time_parser.h"

// A prefix's size lies in the text, and the prefix alone is the same time.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale::pipeline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const TimeContext context{1'711'022'400'000'000'000, 3600};
  for (const auto& found : {parse_time_prefix(text, context), parse_klog_time_prefix(text, context)}) {
    if (!found) continue;
    if (found->size > size || found->size == 0 || found->layout == TimeLayout::none) std::abort();
    const auto again = found->layout == TimeLayout::klog ? parse_klog_time_prefix(text.substr(0, found->size), context)
                                                         : parse_time(text.substr(0, found->size), context);
    if (!again || again->time != found->time || again->resolution != found->resolution) std::abort();
  }
  parse_time(text, context);
  parse_epoch(text);
  parse_zone(text);
  return 0;
}
