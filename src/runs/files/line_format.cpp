#include "runs/files/line_format.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace telltale::runs {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte < 0x7F) || c == '\t' || c == '\n';
}

void append_shown(std::string& out, std::string_view text, bool keep_line_ends) {
  while (!text.empty()) {
    const auto plain_end = std::find_if_not(text.begin(), text.end(), [&](char c) { return is_plain(c) && (keep_line_ends || c != '\n'); });
    const auto plain = static_cast<std::size_t>(plain_end - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const std::size_t length = base::printable_length(text);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      out += "\\x";
      out += hex_digits[byte >> 4];
      out += hex_digits[byte & 15];
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

void FormattedLine::assign(const record::RecordView& record, const FileLine& shown, const base::TimeZone& zone) {
  text_ = "[";
  base::append_local_time(text_, shown.time, zone);
  text_ += "] [";
  append_shown(text_, shown.service, false);
  if (!shown.instance.empty()) {
    text_ += '/';
    append_shown(text_, shown.instance, false);
  }
  text_ += "] ";
  mark_at_ = text_.size();
  std::string_view line = record.line();
  // What a program of another system ends its lines with.
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  append_shown(text_, line, true);
  text_ += '\n';
}

void FormattedLine::append_to(std::string& out, bool shared) const {
  if (!shared) {
    out += text_;
    return;
  }
  out.append(text_, 0, mark_at_);
  out += "[shared] ";
  out.append(text_, mark_at_);
}

std::string instance_of(const record::Stream& stream) {
  const record::Labels& labels = stream.labels;
  const std::string_view pod = labels.get("pod");
  const std::string_view container = labels.get("container");
  if (!pod.empty()) {
    std::string name(pod);
    if (!container.empty() && container != labels.get("service")) name.append("/").append(container);
    return name;
  }
  if (!container.empty()) return std::string(container);
  return std::string(base::file_name(labels.get("file")));
}

}  // namespace telltale::runs
