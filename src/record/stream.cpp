#include "record/stream.h"

#include <algorithm>

#include "base/text.h"

namespace telltale::record {
namespace {

void append_size(std::string& out, std::size_t size) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(size >> shift & 0xff));
}

// As Go's strconv.Quote writes it, except that all of a text that is not UTF-8 is written as \xNN beyond ASCII.
void append_go_string(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  static constexpr std::string_view controls = "\a\b\t\n\v\f\r";
  static constexpr std::string_view letters = "abtnvfr";
  const bool valid = base::is_valid_utf8(text);
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte >= 7 && byte <= 13) {
      out.push_back('\\');
      out.push_back(letters[controls.find(c)]);
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !valid)) {
      out += "\\x";
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

Labels::Labels(std::vector<std::pair<std::string, std::string>> pairs) : pairs_(std::move(pairs)) {
  // Insertion keeps equal names in their order; labels are few. (libstdc++'s stable_sort warns of a deprecated part of its own.)
  for (auto next = pairs_.begin(); next != pairs_.end(); ++next) {
    const auto place =
        std::upper_bound(pairs_.begin(), next, next->first, [](const std::string& name, const auto& pair) { return name < pair.first; });
    std::rotate(place, next, next + 1);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const bool last_of_name = i + 1 == pairs_.size() || pairs_[i + 1].first != pairs_[i].first;
    if (!last_of_name || pairs_[i].second.empty()) continue;
    if (kept != i) pairs_[kept] = std::move(pairs_[i]);
    ++kept;
  }
  pairs_.resize(kept);
}

std::string_view Labels::get(std::string_view name) const {
  const auto found =
      std::lower_bound(pairs_.begin(), pairs_.end(), name, [](const auto& pair, std::string_view wanted) { return pair.first < wanted; });
  return found != pairs_.end() && found->first == name ? std::string_view(found->second) : std::string_view();
}

// Empty values are never kept.
bool Labels::has(std::string_view name) const {
  return !get(name).empty();
}

std::string Labels::to_text() const {
  std::string out = "{";
  for (const auto& [name, value] : pairs_) {
    if (out.size() > 1) out += ", ";
    out += name;
    out.push_back('=');
    append_go_string(out, value);
  }
  out.push_back('}');
  return out;
}

std::string Labels::canonical() const {
  std::string out;
  for (const auto& [name, value] : pairs_) {
    append_size(out, name.size());
    out += name;
    append_size(out, value.size());
    out += value;
  }
  return out;
}

Stream::Stream(Labels stream_labels) : id(base::hash128(stream_labels.canonical())), labels(std::move(stream_labels)) {}

StreamRef make_stream(Labels labels) {
  return std::make_shared<const Stream>(std::move(labels));
}

}  // namespace telltale::record
