#include "sources/text/text_encoding.h"

#include <cstring>

namespace telltale::sources {
namespace {

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
constexpr std::string_view le_mark = "\xFF\xFE";
constexpr std::string_view be_mark = "\xFE\xFF";
constexpr std::string_view le_line_end{"\n\0", 2};
constexpr std::string_view be_line_end{"\0\n", 2};

bool is_wide(TextEncoding encoding) {
  return encoding == TextEncoding::utf16_le || encoding == TextEncoding::utf16_be;
}

bool is_high(std::uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low(std::uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

std::uint32_t unit_at(TextEncoding encoding, std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const auto second = static_cast<unsigned char>(text[at + 1]);
  return encoding == TextEncoding::utf16_le ? first | (second << 8U) : second | (first << 8U);
}

void append_unit(TextEncoding encoding, std::uint32_t unit, std::string& out) {
  const char low = static_cast<char>(unit & 0xFFU);
  const char high = static_cast<char>(unit >> 8U);
  out.push_back(encoding == TextEncoding::utf16_le ? low : high);
  out.push_back(encoding == TextEncoding::utf16_le ? high : low);
}

void append_utf8(std::uint32_t point, std::string& out) {
  const auto tail = [&](unsigned shift) { out.push_back(static_cast<char>(0x80U | ((point >> shift) & 0x3FU))); };
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (point >> 6U)));
    tail(0);
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (point >> 12U)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (point >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The character (or lone surrogate) at `at`; moves behind it. False: no such thing stands there.
bool take_point(std::string_view text, std::size_t& at, std::uint32_t& point) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  if (size == 0 || at + size > text.size()) return false;
  point = size == 1 ? first : first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) point = (point << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  at += size;
  return true;
}

}  // namespace

TextEncoding encoding_of(std::string_view head) {
  for (const auto encoding : {TextEncoding::utf8, TextEncoding::utf16_le, TextEncoding::utf16_be})
    if (head.starts_with(mark_of_encoding(encoding))) return encoding;
  return TextEncoding::bytes;
}

std::size_t unit_of(TextEncoding encoding) {
  return is_wide(encoding) ? 2 : 1;
}

std::string_view mark_of_encoding(TextEncoding encoding) {
  switch (encoding) {
    case TextEncoding::utf8:
      return utf8_mark;
    case TextEncoding::utf16_le:
      return le_mark;
    case TextEncoding::utf16_be:
      return be_mark;
    case TextEncoding::bytes:
      break;
  }
  return {};
}

std::string_view line_end_of(TextEncoding encoding) {
  if (encoding == TextEncoding::utf16_le) return le_line_end;
  return encoding == TextEncoding::utf16_be ? be_line_end : le_line_end.substr(0, 1);
}

std::size_t find_line_end(TextEncoding encoding, std::string_view text, Seam seam) {
  if (!is_wide(encoding)) {
    const std::size_t at = text.find('\n');
    return at == std::string_view::npos ? at : at + 1;
  }
  const std::string_view end = line_end_of(encoding);
  if (seam.odd && !text.empty() && seam.last == end[0] && text[0] == end[1]) return 1;
  for (std::size_t at = seam.odd ? 1 : 0; at + 1 < text.size(); at += 2)
    if (text[at] == end[0] && text[at + 1] == end[1]) return at + 2;
  return std::string_view::npos;
}

std::size_t find_last_line_end(TextEncoding encoding, std::string_view text, Seam seam) {
  if (!is_wide(encoding)) {
    const auto* end = static_cast<const char*>(::memrchr(text.data(), '\n', text.size()));
    return end == nullptr ? std::string_view::npos : static_cast<std::size_t>(end - text.data()) + 1;
  }
  const std::string_view end = line_end_of(encoding);
  const std::size_t begin = seam.odd ? 1 : 0;
  const std::size_t units = text.size() > begin ? (text.size() - begin) / 2 : 0;
  for (std::size_t i = units; i-- > 0;)
    if (text[begin + 2 * i] == end[0] && text[begin + 2 * i + 1] == end[1]) return begin + 2 * i + 2;
  return seam.odd && !text.empty() && seam.last == end[0] && text[0] == end[1] ? 1 : std::string_view::npos;
}

std::string to_utf8(TextEncoding encoding, std::string_view source, bool at_start) {
  if (at_start && source.starts_with(mark_of_encoding(encoding))) source.remove_prefix(mark_of_encoding(encoding).size());
  if (!is_wide(encoding)) return std::string(source);
  std::string out;
  out.reserve(source.size());
  for (std::size_t at = 0; at + 1 < source.size(); at += 2) {
    std::uint32_t point = unit_at(encoding, source, at);
    if (is_high(point) && at + 3 < source.size()) {
      const std::uint32_t low = unit_at(encoding, source, at + 2);
      if (is_low(low)) {
        point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
        at += 2;
      }
    }
    append_utf8(point, out);
  }
  if (source.size() % 2 != 0) out.push_back(source.back());
  return out;
}

std::string from_utf8(TextEncoding encoding, std::string_view text, bool at_start) {
  std::string out;
  if (at_start) out = mark_of_encoding(encoding);
  if (!is_wide(encoding)) return out.append(text);
  out.reserve(out.size() + text.size() * 2);
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t point = 0;
    if (!take_point(text, at, point)) {
      out.push_back(text[at++]);
    } else if (point >= 0x10000) {
      append_unit(encoding, 0xD800 + ((point - 0x10000) >> 10U), out);
      append_unit(encoding, 0xDC00 + ((point - 0x10000) & 0x3FFU), out);
    } else {
      append_unit(encoding, point, out);
    }
  }
  return out;
}

std::string_view without_cut_character(TextEncoding encoding, std::string_view source) {
  if (!is_wide(encoding)) return source;
  source = source.substr(0, source.size() / 2 * 2);
  if (!source.empty() && is_high(unit_at(encoding, source, source.size() - 2))) source.remove_suffix(2);
  return source;
}

}  // namespace telltale::sources
