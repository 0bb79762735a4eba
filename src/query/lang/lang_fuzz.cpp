// Any bytes: the parser answers with a query or an error that shows its place; a query's canonical text means the same query.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "query/lang/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const auto query = query::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!query) {
    TT_ASSERT(query.error().code == base::ErrorCode::query_syntax || query.error().code == base::ErrorCode::query_unsupported,
              "other code");
    TT_ASSERT(!query.error().cause.empty(), "an error says what is wrong");
    return 0;
  }
  const std::string text = query::to_text(*query);
  if (text.size() > query::max_query_bytes) return 0;  // escapes can make it longer than the limit
  const auto again = query::parse(text);
  TT_ASSERT(again.has_value(), "canonical text is readable");
  TT_ASSERT(*again == *query, "canonical text means the same");
  TT_ASSERT(query::to_text(*again) == text, "canonical text is canonical");
  return 0;
}
