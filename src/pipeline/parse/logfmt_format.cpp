#include <cstring>

#include "base/encoding.h"
#include "pipeline/parse/line_formats.h"

namespace telltale::pipeline {

using record::Attribute;
using record::TextRef;

namespace {

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@';
}
bool is_key(char c) {
  return is_key_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
}

// Keys are short; a longer one is no key.
constexpr std::size_t longest_key = 64;

// Size of the key at the beginning of `text` when "=" follows it, else 0.
std::size_t key_size(std::string_view text) {
  if (text.empty() || !is_key_start(text[0])) return 0;
  std::size_t size = 1;
  while (size < text.size() && size <= longest_key && is_key(text[size])) ++size;
  return size < text.size() && text[size] == '=' && size <= longest_key ? size : 0;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    default:
      return c;
  }
}

// The inside of a quoted value, appended without its escapes (\n \t \r \" \\ \uXXXX; of any other the backslash is dropped).
TextRef unescape(record::Batch& batch, TextRef raw) {
  std::string& out = batch.text;
  const auto offset = static_cast<std::uint32_t>(out.size());
  out.reserve(out.size() + raw.size);
  for (std::uint32_t i = raw.offset; i < raw.end(); ++i) {
    if (out[i] != '\\' || i + 1 == raw.end()) {
      out.push_back(out[i]);
      continue;
    }
    ++i;
    const std::string_view digits = std::string_view(out).substr(i + 1, std::min<std::size_t>(4, raw.end() - i - 1));
    const auto code = out[i] == 'u' && digits.size() == 4 ? base::read_hex(digits) : std::nullopt;
    // Halves of surrogate pairs have no UTF-8 of their own.
    if (code && base::append_utf8(out, *code)) {
      i += 4;
    } else {
      out.push_back(simple_escape(out[i]));
    }
  }
  return {offset, static_cast<std::uint32_t>(out.size()) - offset};
}

// Walks the words of a line; each is a pair or a word of no meaning.
class PairReader {
 public:
  PairReader(RecordFields& fields, TextRef region) : fields_(fields), region_(region) {}

  bool read() {
    while (skip_spaces()) {
      const std::size_t begin = at_;
      const std::size_t key = key_size(rest());
      if (key == 0 || !read_pair(key)) {
        skip_word();
        foreign_bytes_ += at_ - begin;
        // Hopeless: more than two fifths of the line are no pairs.
        if (foreign_bytes_ * 5 > std::size_t{region_.size} * 2) return false;
      }
    }
    return pairs_ >= 2 || telling_;
  }

 private:
  std::string_view rest() const { return fields_.view(region_).substr(at_); }

  bool skip_spaces() {
    const std::string_view text = fields_.view(region_);
    while (at_ < text.size() && (text[at_] == ' ' || text[at_] == '\t')) ++at_;
    return at_ < text.size();
  }

  void skip_word() {
    const std::string_view text = fields_.view(region_);
    while (at_ < text.size() && text[at_] != ' ' && text[at_] != '\t') ++at_;
  }

  TextRef ref(std::size_t from, std::size_t to) const {
    return {region_.offset + static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
  }

  bool read_pair(std::size_t key_size) {
    Attribute field;
    field.key = ref(at_, at_ + key_size);
    const std::size_t value = at_ + key_size + 1;
    const std::string_view text = fields_.view(region_);
    if (value < text.size() && text[value] == '"') {
      if (!read_quoted(value + 1, field.text)) return false;
    } else {
      at_ = value;
      skip_word();
      field.text = ref(value, at_);
    }
    ++pairs_;
    const KeyRole role = fields_.add(field);
    telling_ |= role == KeyRole::level || role == KeyRole::message;
    return true;
  }

  // False when the quote is not closed or text follows it at once.
  bool read_quoted(std::size_t begin, TextRef& value) {
    const std::string_view text = fields_.view(region_);
    bool escaped = false;
    std::size_t end = begin;
    for (;; ++end) {
      if (end >= text.size()) return false;
      if (text[end] == '"') break;
      if (text[end] == '\\') {
        escaped = true;
        ++end;
      }
    }
    if (end + 1 < text.size() && text[end + 1] != ' ' && text[end + 1] != '\t') return false;
    at_ = end + 1;
    value = ref(begin, end);
    if (escaped) value = unescape(fields_.batch(), value);
    return true;
  }

  RecordFields& fields_;
  TextRef region_;
  std::size_t at_ = 0;
  std::size_t foreign_bytes_ = 0;
  std::size_t pairs_ = 0;
  bool telling_ = false;
};

}  // namespace

bool begins_with_pair(std::string_view text) {
  return key_size(text) != 0;
}

LineResult parse_logfmt(RecordFields& fields, TextRef region) {
  const RecordFields::Mark mark = fields.mark();
  if (PairReader(fields, region).read()) return {ParseOutcome::parsed};
  fields.back_to(mark);
  return {};
}

}  // namespace telltale::pipeline
