#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "api/ws/messages.h"
#include "record/json_check.h"

// Every message is read or refused, and the answer to it is JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const auto message = api::parse_client_message({reinterpret_cast<const char*>(data), size});
  const std::string answer = message ? api::subscribed_message(0, message->query, 1) : api::error_message(0, message.error());
  if (!record::is_json_line(answer)) std::abort();
  if (message && message->query.size() > api::max_query_text) std::abort();
  if (message && !record::is_json_line(api::error_message(0, {}, message->request_id))) std::abort();
  return 0;
}
