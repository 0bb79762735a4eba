#include "record/wire.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "record/json_check.h"

namespace telltale::record {
namespace {

constexpr std::array<std::string_view, 8> flag_names = {"redacted",          "joined",       "truncated", "zone_assumed",
                                                        "time_out_of_range", "invalid_utf8", "gap",       "unterminated"};
constexpr std::array<std::string_view, 3> finding_kinds = {"severity", "exception", "word"};
constexpr std::int64_t max_exact_double = (std::int64_t{1} << 53) - 1;  // what JSON readers hold without loss (RFC 8259, section 6)

template <class Integer>
void append_number(std::string& out, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":\"";
  base::append_json_escaped(out, value);
  out.push_back('"');
}

void append_time(std::string& out, std::string_view name, UnixNanos time, int digits) {
  out.push_back('"');
  out += name;
  out += "\":\"";
  base::append_rfc3339(out, time, digits);
  out.push_back('"');
}

bool in_place(const Labels& labels, std::string_view name) {
  return labels.has(name) && name != "service" && name != "source" && name != "stream";
}

// Members of an object, with their commas.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) {}
  void key(std::string_view prefix, std::string_view name) {
    separate();
    out_.push_back('"');
    out_ += prefix;
    base::append_json_escaped(out_, name);
    out_ += "\":";
  }
  // The inside of an object that was checked.
  void splice(std::string_view object) {
    const std::string_view inside = base::trim(object.substr(1, object.size() - 2));
    if (inside.empty()) return;
    separate();
    out_ += inside;
  }

 private:
  void separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
  }
  std::string& out_;
  bool first_ = true;
};

void append_value(std::string& out, const Attribute& attribute, std::string_view text) {
  switch (attribute.type) {
    case AttributeType::null:
      out += "null";
      return;
    case AttributeType::boolean:
      out += attribute.integer != 0 ? "true" : "false";
      return;
    case AttributeType::integer:
      if (attribute.integer < -max_exact_double || attribute.integer > max_exact_double) break;
      append_number(out, attribute.integer);
      return;
    case AttributeType::real:
      if (!std::isfinite(attribute.real) || !is_json_line(text)) break;
      out += text;
      return;
    case AttributeType::json:
      if (!is_json_line(text)) break;
      out += text;
      return;
    case AttributeType::text:
      break;
  }
  base::append_json_string(out, text);
}

// Which of the two objects an attribute belongs to, and its name there.
struct Place {
  bool context = false;
  bool whole = false;  // its members are the object's
  std::string_view name;
};

Place place_of(const Attribute& attribute, std::string_view key, std::string_view text) {
  const bool object = attribute.type == AttributeType::json && text.starts_with('{') && is_json_line(text);
  if (key == "context" && object) return {true, true, key};
  if (key == "metadata" && object) return {false, true, key};
  if (key.starts_with("context.") && key.size() > 8) return {true, false, key.substr(8)};
  if (key.starts_with("metadata.") && key.size() > 9) return {false, false, key.substr(9)};
  return {false, false, key};
}

void append_attributes(std::string& out, Members& members, const RecordView& view, bool context) {
  const Batch& batch = *view.batch;
  for (const Attribute& attribute : batch.attributes_of(*view.record)) {
    const std::string_view text = batch.view(attribute.text);
    const Place place = place_of(attribute, batch.view(attribute.key), text);
    if (place.context != context) continue;
    if (place.whole) {
      members.splice(text);
      continue;
    }
    members.key(!context && in_place(view.labels(), place.name) ? "attribute." : "", place.name);
    append_value(out, attribute, text);
  }
}

void append_metadata(std::string& out, const RecordView& view) {
  out += ",\"metadata\":{";
  Members members(out);
  for (const auto& [name, value] : view.labels().pairs()) {
    if (!in_place(view.labels(), name)) continue;
    members.key("", name);
    base::append_json_string(out, value);
  }
  append_attributes(out, members, view, false);
  out += "},\"context\":{";
  Members context(out);
  append_attributes(out, context, view, true);
  out.push_back('}');
}

void append_findings(std::string& out, const RecordView& view) {
  const Batch& batch = *view.batch;
  char before = '[';
  out += ",\"findings\":";
  for (const Finding& finding : batch.findings_of(*view.record)) {
    out.push_back(before);
    before = ',';
    out += "{\"rule\":";
    base::append_json_string(out, finding.rule < batch.rule_names.size() ? std::string_view(batch.rule_names[finding.rule]) : "");
    out += ",\"kind\":\"";
    out += finding_kinds[static_cast<std::size_t>(finding.kind)];
    out += "\",\"begin\":";
    append_number(out, finding.begin);
    out += ",\"end\":";
    append_number(out, finding.begin + finding.size);
    out.push_back('}');
  }
  out.push_back(']');
}

void append_flags(std::string& out, std::uint16_t flags) {
  char before = '[';
  out += ",\"flags\":";
  for (unsigned bit = 0; bit < flag_names.size(); ++bit) {
    if ((flags >> bit & 1u) == 0) continue;
    out.push_back(before);
    before = ',';
    out.push_back('"');
    out += flag_names[bit];
    out.push_back('"');
  }
  out.push_back(']');
}

// What telltale tells beyond the standard entry; members with nothing to say are left out.
void append_own(std::string& out, const RecordView& view) {
  const Record& record = *view.record;
  const Batch& batch = *view.batch;
  if (view.line() != view.body()) append_field(out, "line", view.line());
  out += ",\"severity\":";
  append_number(out, static_cast<unsigned>(record.severity));
  if (!record.severity_text.empty()) append_field(out, "severity_text", batch.view(record.severity_text));
  out.push_back(',');
  append_time(out, "observed_time", record.observed_time, 9);
  if (record.has_event_time()) {
    out.push_back(',');
    append_time(out, "event_time", record.event_time, 9);
  }
  if (record.finding_count > 0) append_findings(out, view);
  if ((record.flags & 0xffu) != 0) append_flags(out, record.flags);
  if (!record.trace_id.empty()) append_field(out, "trace_id", batch.view(record.trace_id));
  if (!record.span_id.empty()) append_field(out, "span_id", batch.view(record.span_id));
  if (!record.test_id.empty()) append_field(out, "test_id", batch.view(record.test_id));
}

}  // namespace

std::string_view flag_name(RecordFlag flag) {
  unsigned bit = 0;
  while (bit + 1 < flag_names.size() && (flag >> bit & 1) == 0) ++bit;
  return flag_names[bit];
}

void append_wire_entry(std::string& out, const RecordView& view) {
  const Labels& labels = view.labels();
  const std::string_view stream = labels.get("stream");
  out.push_back('{');
  append_time(out, "timestamp", view.record->index_time(), 3);
  append_field(out, "source", labels.get("source"));
  append_field(out, "stream", stream.empty() ? std::string_view("file") : stream);
  append_field(out, "content", view.body());
  append_field(out, "level", wire_level(view.record->severity));
  append_field(out, "service_name", labels.get("service"));
  append_metadata(out, view);
  out += ",\"sequence\":\"";
  append_number(out, view.sequence);
  out.push_back('"');
  append_own(out, view);
  out.push_back('}');
}

void append_printable(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (const std::size_t size = base::printable_length(text.substr(at)); size > 0) {
      out += text.substr(at, size);
      at += size;
      continue;
    }
    if (byte == '\n') {
      out += "\n    ";
    } else {
      out += "\\x";
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
    ++at;
  }
}

void append_plain_line(std::string& out, const RecordView& view) {
  static constexpr std::array<std::string_view, 6> names = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
  base::append_rfc3339(out, view.record->index_time(), 3);
  out.push_back(' ');
  const std::string_view service = view.labels().get("service");
  append_printable(out, service.empty() ? std::string_view("-") : service);
  out.push_back(' ');
  const auto number = static_cast<unsigned>(view.record->severity);
  out += number == 0 || number > 24 ? std::string_view("-") : names[(number - 1) / 4];
  out.push_back(' ');
  append_printable(out, view.line());
}

}  // namespace telltale::record
