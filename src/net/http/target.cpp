#include "net/http/target.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace telltale::net {

using base::ErrorCode;
using base::fail;
using base::pass;

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

base::Result<std::string> decode_path(std::string_view text) {
  auto decoded = percent_decode(text, false);
  if (!decoded) return pass(decoded);
  if (std::any_of(decoded->begin(), decoded->end(), is_control)) {
    return fail(ErrorCode::malformed_request, "the path of the request holds a control character");
  }
  if (!base::is_valid_utf8(*decoded)) return fail(ErrorCode::malformed_request, "the path of the request is not valid UTF-8");
  std::string path;
  for (std::size_t start = 1; start <= decoded->size();) {
    const std::size_t end = std::min(decoded->find('/', start), decoded->size());
    const std::string_view segment = std::string_view(*decoded).substr(start, end - start);
    if (segment == "..") return fail(ErrorCode::malformed_request, "the path of the request holds a segment '..'");
    if (!segment.empty() && segment != ".") path.append("/").append(segment);
    start = end + 1;
  }
  const bool folder = decoded->back() == '/' || decoded->ends_with("/.");
  if (path.empty() || folder) path.push_back('/');
  return path;
}

base::Result<std::string> decode_query_part(std::string_view text) {
  auto decoded = percent_decode(text, true);
  if (!decoded) return decoded;
  if (decoded->find('\0') != std::string::npos || !base::is_valid_utf8(*decoded)) {
    return fail(ErrorCode::malformed_request, "the query of the request is not valid UTF-8, or holds a NUL");
  }
  return decoded;
}

base::Status decode_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    auto name = decode_query_part(part.substr(0, equals));
    if (!name) return pass(name);
    auto value = decode_query_part(part.substr(std::min(equals + 1, part.size())));
    if (!value) return pass(value);
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

// Takes "http://host" off the absolute form.
void take_authority(std::string_view& text, Target& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!base::equals_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    text.remove_prefix(end);
    return;
  }
}

}  // namespace

base::Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? base::hex_value(text[i + 1]) : -1;
      const int low = high >= 0 ? base::hex_value(text[i + 2]) : -1;
      if (low < 0) return fail(ErrorCode::malformed_request, "the target of the request holds a '%' without two hexadecimal digits");
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

base::Result<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.path = "*";
    return target;
  }
  if (text.find('#') != std::string_view::npos) return fail(ErrorCode::malformed_request, "the target of the request holds a fragment");
  if (text.empty() || text.front() != '/') {
    take_authority(text, target);
    if (target.authority.empty()) return fail(ErrorCode::malformed_request, "the target of the request does not begin with '/'");
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  const std::string_view raw_path = question == 0 ? std::string_view("/") : text.substr(0, question);
  auto path = decode_path(raw_path);
  if (!path) return pass(path);
  target.path = std::move(*path);
  auto status = decode_query(text.substr(std::min(question + 1, text.size())), target);
  if (!status) return pass(status);
  return target;
}

}  // namespace telltale::net
