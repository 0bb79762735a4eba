#include <cstddef>
#include <cstdint>

#include "pipeline/parse/parse_invariants.h"
#include "record/json_check.h"

// Lines made to look like objects, so that the JSON reader is reached; and the bytes as they are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  pipeline::parse_checked(bytes);
  const record::Batch batch = pipeline::parse_checked("{" + bytes + "}");
  for (const record::Record& record : batch.records) {
    for (const record::Attribute& attribute : batch.attributes_of(record)) {
      if (attribute.type == record::AttributeType::json && !record.has(record::flag_invalid_utf8))
        pipeline::require(record::is_json_line(batch.view(attribute.text)));
    }
  }
  return 0;
}
