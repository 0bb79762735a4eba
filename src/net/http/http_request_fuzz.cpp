// The request reader must see the same requests and errors however its input is cut.
// Input: first byte: how the input is cut; then requests.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "net/http/request_reader.h"

namespace {

using telltale::net::Request;
using telltale::net::RequestLimits;
using telltale::net::RequestReader;

constexpr RequestLimits limits{256, 512};

struct Seen {
  std::string text;
  bool operator==(const Seen&) const = default;
};

Seen seen_request(const Request& request, bool keep_alive) {
  TT_ASSERT(request.body.size() <= limits.max_body_bytes, "no body is larger than its limit");
  std::string text = request.method + ' ' + request.target + ' ' + request.path + (keep_alive ? " keep" : " close");
  for (const auto& [name, value] : request.headers) text += '\n' + name + ':' + value;
  return Seen{text + "\n\n" + request.body};
}

std::vector<Seen> read_all(std::string_view input, std::size_t piece) {
  RequestReader reader(limits);
  std::vector<Seen> seen;
  while (!input.empty()) {
    const std::string_view part = input.substr(0, std::min(piece, input.size()));
    input.remove_prefix(part.size());
    reader.append(part);
    RequestReader::State state = reader.advance();
    while (state == RequestReader::State::complete) {
      const Request request = reader.take();
      seen.push_back(seen_request(request, reader.keep_alive()));
      state = reader.advance();
    }
    if (state == RequestReader::State::failed) {
      seen.push_back(Seen{std::string("error ") + std::string(telltale::base::info_of(reader.error().code).name)});
      break;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<Seen> whole = read_all(input, input.size() + 1);
  TT_ASSERT(read_all(input, 1) == whole, "bytes one by one give the same requests");
  TT_ASSERT(read_all(input, 1 + data[0]) == whole, "pieces give the same requests");
  return 0;
}
