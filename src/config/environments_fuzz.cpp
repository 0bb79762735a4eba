// A file of environments of any content: it is refused with reasons or gives an environment that can be shown and read again.
#include "config/environments.h"

#include <cstdint>

#include "base/assert.h"
#include "base/testing/memory_files.h"
#include "base/text.h"

using namespace telltale;

namespace {

constexpr std::string_view secret = "s3cret-value";

void check_texts(const config::EnvironmentsCheck& check) {
  for (const auto& problem : check.problems) {
    TT_ASSERT(!problem.message.empty() && base::is_valid_utf8(problem.text()), "a problem says what is wrong");
    TT_ASSERT(problem.text().find(secret) == std::string::npos, "a problem shows no secret");
  }
}

// Ports and such may be shown when a variable gives them; secrets never.
void check_shown(const std::string& text) {
  TT_ASSERT(base::is_valid_utf8(text), "what is shown is UTF-8");
  TT_ASSERT(text.find(secret) == std::string::npos, "what is shown holds no secret");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find(secret) != std::string_view::npos) return 0;  // what stands in the file itself may be quoted
  base::testing::MemoryFiles files;
  files.put("config/environments.yaml", text);
  files.put("/secret", std::string(secret) + "\n");
  config::LoadRequest request;
  request.working_folder = "/w";
  request.environment = [](std::string_view name) -> std::optional<std::string> {
    return name == "NAME" ? std::optional<std::string>("value") : std::nullopt;
  };
  check_texts(config::check_environments(files, request));
  static_cast<void>(config::load(files, request));
  const auto loaded = config::load_environment(files, request);
  if (!loaded) {
    TT_ASSERT(!loaded.error().cause.empty() && loaded.error().cause.find(secret) == std::string::npos, "an error says what is wrong");
    return 0;
  }
  const auto order = config::start_order(loaded->environment.services);
  TT_ASSERT(order.size() == loaded->environment.services.size(), "every service can be started");
  check_shown(config::show_environment_json(*loaded));
  const std::string shown = config::show_environment_yaml(*loaded);
  check_shown(shown);
  static_cast<void>(config::secrets_json(*loaded));
  files.put("config/environments.yaml", shown);
  const auto again = config::load_environment(files, request);
  TT_ASSERT(again.has_value(), "what is shown can be read again");
  TT_ASSERT(again->environment.services.size() == loaded->environment.services.size(), "and means the same");
  return 0;
}
