#include "api/wire/page_cursor.h"

#include "base/text.h"

namespace telltale::api {

std::string make_page_cursor(std::string_view list, std::string_view last) {
  if (last.empty()) return {};
  std::string inside(list);
  inside += '\n';
  inside += last;
  return base::base64url_encode(inside);
}

base::Result<std::string> read_page_cursor(std::string_view list, std::string_view text) {
  if (text.empty()) return std::string();
  const auto inside = base::base64url_decode(text);
  if (inside && inside->size() > list.size() + 1 && inside->starts_with(list) && (*inside)[list.size()] == '\n') {
    return inside->substr(list.size() + 1);
  }
  return base::fail(base::ErrorCode::cursor_invalid, "the cursor is none of this list");
}

}  // namespace telltale::api
