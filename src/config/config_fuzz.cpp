// A settings file of any content: it is refused with reasons or gives settings that can be shown and read again.
#include <cstdint>

#include "base/assert.h"
#include "base/testing/memory_files.h"
#include "base/text.h"
#include "config/load.h"

using namespace telltale;

namespace {
constexpr std::string_view secret = "s3cret-value";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find(secret) != std::string_view::npos) return 0;  // what stands in the file itself may be quoted
  base::testing::MemoryFiles files;
  files.put("telltale.yaml", text);
  files.put("/secret", std::string(secret) + "\n");
  config::LoadRequest request;
  request.path = "telltale.yaml";
  request.environment = [](std::string_view name) -> std::optional<std::string> {
    return name == "NAME" ? std::optional<std::string>("value") : std::nullopt;
  };
  const auto loaded = config::load(files, request);
  if (!loaded) {
    TT_ASSERT(!loaded.error().cause.empty() && base::is_valid_utf8(loaded.error().cause), "an error says what is wrong");
    TT_ASSERT(loaded.error().cause.find(secret) == std::string::npos, "an error shows no secret");
    return 0;
  }
  const std::string shown = config::show_yaml(*loaded);
  TT_ASSERT(base::is_valid_utf8(config::show_json(*loaded)), "JSON is UTF-8");
  files.put("telltale.yaml", shown);
  const auto again = config::load(files, request);
  TT_ASSERT(again.has_value(), "what is shown can be read again");
  return 0;
}
