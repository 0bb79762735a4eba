#include "pipeline/parse/id_values.h"

#include "base/encoding.h"

namespace telltale::pipeline {

bool is_hex_id(std::string_view text, std::size_t size) {
  if (text.size() != size) return false;
  bool any = false;
  for (const char c : text) {
    if (base::hex_value(c) < 0) return false;
    any |= c != '0';
  }
  return any;
}

bool is_traceparent(std::string_view text) {
  return text.size() >= traceparent_size && text[2] == '-' && text[35] == '-' && text[52] == '-';
}

void append_percent_decoded(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size()) {
      const int high = base::hex_value(text[i + 1]);
      const int low = base::hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        i += 2;
      }
    }
    out.push_back(c);
  }
}

}  // namespace telltale::pipeline
