#include "pipeline/parse/fields.h"

#include "base/text.h"
#include "pipeline/parse/id_values.h"

namespace telltale::pipeline {

using record::Attribute;
using record::AttributeType;
using record::Severity;
using record::TextRef;

namespace {

TextRef part(TextRef whole, std::size_t from, std::size_t size) {
  return {whole.offset + static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(size)};
}

// Percent-decoded, appended where there was something to decode.
TextRef decode_percent(record::Batch& batch, TextRef ref) {
  const std::string text(batch.view(ref));
  if (text.find('%') == std::string::npos) return ref;
  const auto offset = static_cast<std::uint32_t>(batch.text.size());
  append_percent_decoded(batch.text, text);
  return {offset, static_cast<std::uint32_t>(batch.text.size()) - offset};
}

// Source: OpenTelemetry Logs Data Model, appendix B, syslog.
Severity syslog_severity(std::int64_t number) {
  static constexpr unsigned char severities[] = {21, 19, 18, 17, 13, 10, 9, 5};
  return number >= 0 && number <= 7 ? static_cast<Severity>(severities[number]) : Severity::unset;
}

std::int64_t number_of(const record::Batch& batch, const Attribute& field) {
  if (field.type == AttributeType::integer) return field.integer;
  const std::string_view text = batch.view(field.text);
  if (field.type == AttributeType::text && text.size() == 1 && text[0] >= '0' && text[0] <= '9') return text[0] - '0';
  return -1;
}

}  // namespace

TextRef append_text(record::Batch& batch, std::string_view text) {
  const TextRef ref{static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(text.size())};
  batch.text.append(text);
  return ref;
}

RecordFields::RecordFields(record::Batch& batch, record::Record& record, std::int32_t zone_offset_seconds, KeyMemory& memory)
    : batch_(batch), record_(record), memory_(memory), time_context_{record.observed_time, zone_offset_seconds} {
  if (record.has_event_time() && !record.has(record::flag_zone_assumed))
    told_time_ = ParsedTime{record.event_time, 0, record.resolution, {}, false};
  record.event_time = 0;
  record.body = record.line;
  record.severity_text = record.trace_id = record.span_id = record.test_id = {};
  record.first_attribute = static_cast<std::uint32_t>(batch.attributes.size());
  record.attribute_count = 0;
  record.resolution = record::TimeResolution::none;
  record.severity = Severity::unset;
  record.flags &= static_cast<std::uint16_t>(~(record::flag_zone_assumed | record::flag_time_out_of_range));
}

KeyRole RecordFields::add(const Attribute& field) {
  const KnownKey known = memory_.look_up(place_++, view(field.key));
  if (known.role == KeyRole::none || !take(known, field)) add_attribute(field);
  return known.role;
}

void RecordFields::add_nested(std::string_view container, const Attribute& field) {
  const std::string_view key = view(field.key);
  if (key == "id") {
    if (base::equals_ignoring_case(container, "trace")) return take_id(KeyRole::trace_id, field.text);
    if (base::equals_ignoring_case(container, "span")) return take_id(KeyRole::span_id, field.text);
    return;
  }
  const KnownKey known = known_key(key);
  switch (known.role) {
    case KeyRole::trace_id:
    case KeyRole::span_id:
    case KeyRole::test_id:
    case KeyRole::traceparent:
    case KeyRole::baggage:
      take(known, field);
      return;
    case KeyRole::level:
      if (base::equals_ignoring_case(container, "log")) take_level(field);
      return;
    default:
      return;
  }
}

void RecordFields::add_attribute(const Attribute& attribute) {
  if (record_.attribute_count == max_attributes) return;
  batch_.attributes.push_back(attribute);
  ++record_.attribute_count;
}

void RecordFields::add_named(std::string_view name, TextRef value) {
  Attribute attribute;
  attribute.key = append_text(batch_, name);
  attribute.text = value;
  add_attribute(attribute);
}

void RecordFields::set_time(const ParsedTime& time) {
  time_ = time;
}

void RecordFields::set_level(TextRef text, Severity severity) {
  record_.severity_text = text;
  record_.severity = severity;
}

void RecordFields::enter_inner_line() {
  if (time_) outer_time_ = time_;
  time_.reset();
  message_rank_ = 0;
  place_ = 0;
}

RecordFields::Mark RecordFields::mark() const {
  return {record_, batch_.attributes.size(), batch_.text.size(), time_};
}

void RecordFields::back_to(const Mark& mark) {
  record_ = mark.record;
  time_ = mark.time;
  batch_.attributes.resize(mark.attributes);
  batch_.text.resize(mark.text);
  message_rank_ = 0;
  place_ = 0;
}

// The inner line's time is nearer to the event, unless it does not say its zone and the outer one does; the same for the one that the
// source was told with the line.
void RecordFields::finish() {
  const auto consider = [this](const std::optional<ParsedTime>& outer) {
    if (outer && (!time_ || (time_->zone_assumed && !outer->zone_assumed))) time_ = outer;
  };
  consider(outer_time_);
  consider(told_time_);
  if (time_) set_event_time(record_, *time_);
}

// False: the field means nothing more than its name says, and is an attribute.
bool RecordFields::take(KnownKey known, const Attribute& field) {
  switch (known.role) {
    case KeyRole::time:
      return take_time(field);
    case KeyRole::level:
      return take_level(field);
    case KeyRole::syslog_level:
    case KeyRole::severity_number:
      return take_number_level(known.role, field);
    case KeyRole::message:
      return take_message(known.rank, field);
    case KeyRole::traceparent:
      take_traceparent(field.text);
      return false;
    case KeyRole::baggage:
      take_baggage(field.text);
      return false;
    case KeyRole::trace_id:
    case KeyRole::span_id:
    case KeyRole::test_id:
      take_id(known.role, field.text);
      return false;
    case KeyRole::none:
    case KeyRole::container:
      return false;
  }
  return false;
}

bool RecordFields::take_time(const Attribute& field) {
  if (time_) return false;
  if (field.type == AttributeType::text) {
    time_ = parse_time(view(field.text), time_context_);
  } else if (field.type == AttributeType::integer || field.type == AttributeType::real) {
    time_ = parse_epoch(view(field.text));
  }
  return time_.has_value();
}

bool RecordFields::take_level(const Attribute& field) {
  if (has_level() || (field.type != AttributeType::text && field.type != AttributeType::integer)) return false;
  const std::optional<Severity> severity = record::parse_severity(view(field.text));
  if (!severity) return false;
  set_level(field.text, *severity);
  return true;
}

bool RecordFields::take_number_level(KeyRole role, const Attribute& field) {
  const std::int64_t number = number_of(batch_, field);
  if (role == KeyRole::syslog_level) {
    const Severity severity = syslog_severity(number);
    if (has_level() || severity == Severity::unset) return false;
    record_.severity = severity;
  } else {
    // More exact than the word beside it, whichever came first.
    if (number < 1 || number > 24) return false;
    record_.severity = static_cast<Severity>(number);
  }
  return true;
}

bool RecordFields::take_message(std::uint8_t rank, const Attribute& field) {
  if (field.type != AttributeType::text || rank <= message_rank_) return false;
  if (message_rank_ != 0) add_attribute(message_);
  message_ = field;
  message_rank_ = rank;
  record_.body = field.text;
  return true;
}

void RecordFields::take_id(KeyRole role, TextRef value) {
  const std::string_view text = view(value);
  if (role == KeyRole::trace_id) {
    if (record_.trace_id.empty() && is_hex_id(text, 32)) record_.trace_id = value;
  } else if (role == KeyRole::span_id) {
    if (record_.span_id.empty() && is_hex_id(text, 16)) record_.span_id = value;
  } else if (record_.test_id.empty() && text.size() <= 512) {
    record_.test_id = value;
  }
}

void RecordFields::take_traceparent(TextRef value) {
  const std::string_view text = view(value);
  if (!is_traceparent(text)) return;
  take_id(KeyRole::trace_id, part(value, traceparent_trace, 32));
  take_id(KeyRole::span_id, part(value, traceparent_span, 16));
}

// Source: W3C Baggage: name=value;property,name=value with optional white space and percent-encoded values.
void RecordFields::take_baggage(TextRef value) {
  static constexpr std::string_view name = "test.case.name";
  const std::string_view text = view(value);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string_view member = text.substr(at, end - at);
    member = base::trim(member.substr(0, member.find(';')));
    if (member.starts_with(name)) {
      const std::string_view rest = base::trim(member.substr(name.size()));
      if (rest.starts_with('=')) {
        const std::string_view id = base::trim(rest.substr(1));
        const TextRef ref = part(value, static_cast<std::size_t>(id.data() - text.data()), id.size());
        if (!id.empty()) take_id(KeyRole::test_id, decode_percent(batch_, ref));
        return;
      }
    }
    at = end + 1;
  }
}

}  // namespace telltale::pipeline
