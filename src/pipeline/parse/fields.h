// A record while its line is parsed: takes fields in any order and decides what each is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/parse/known_keys.h"
#include "pipeline/parse/time_parser.h"
#include "record/batch.h"

namespace telltale::pipeline {

// Attributes beyond this many are left in the line only, so that a hostile line cannot grow to many times its size.
inline constexpr std::uint32_t max_attributes = 1024;

// Writes into one record and its batch. The fields that became time, level and message are no attributes; all others are, ids too.
class RecordFields {
 public:
  RecordFields(record::Batch& batch, record::Record& record, std::int32_t zone_offset_seconds, KeyMemory& memory);

  record::Batch& batch() { return batch_; }
  record::Record& record() { return record_; }
  const TimeContext& time_context() const { return time_context_; }
  std::string_view view(record::TextRef ref) const { return batch_.view(ref); }

  // Gives the field its role by its key's name, or makes it an attribute. Returns what the name says.
  KeyRole add(const record::Attribute& field);
  // A field of an object inside the line: only ids and the level are taken, and nothing becomes an attribute. `container` is the
  // object's own name: "id" in "trace" is the trace's.
  void add_nested(std::string_view container, const record::Attribute& field);
  // An attribute whatever its name.
  void add_attribute(const record::Attribute& attribute);
  // The same, with a name that does not stand in the line: it is appended to the text.
  void add_named(std::string_view name, record::TextRef value);

  void set_time(const ParsedTime& time);
  void set_level(record::TextRef text, record::Severity severity);
  void set_body(record::TextRef body) { record_.body = body; }
  bool has_level() const { return record_.severity != record::Severity::unset; }
  bool has_time() const { return time_.has_value(); }

  // What follows belongs to a line inside the line (CRI, Docker): its own time and level may replace the outer ones.
  void enter_inner_line();
  // Takes everything back that was added since `mark`, when a format turned out to be another.
  struct Mark {
    record::Record record;
    std::size_t attributes;
    std::size_t text;
    std::optional<ParsedTime> time;
  };
  Mark mark() const;
  void back_to(const Mark& mark);
  // After the last field.
  void finish();

 private:
  bool take(KnownKey known, const record::Attribute& field);
  bool take_time(const record::Attribute& field);
  bool take_level(const record::Attribute& field);
  bool take_number_level(KeyRole role, const record::Attribute& field);
  bool take_message(std::uint8_t rank, const record::Attribute& field);
  void take_id(KeyRole role, record::TextRef value);
  void take_traceparent(record::TextRef value);
  void take_baggage(record::TextRef value);

  record::Batch& batch_;
  record::Record& record_;
  KeyMemory& memory_;
  TimeContext time_context_;
  std::optional<ParsedTime> time_;
  std::optional<ParsedTime> outer_time_;
  std::optional<ParsedTime> told_time_;  // the record had it before it was parsed
  record::Attribute message_;
  std::uint8_t message_rank_ = 0;
  std::size_t place_ = 0;
};

// `text`, appended to the batch.
record::TextRef append_text(record::Batch& batch, std::string_view text);

}  // namespace telltale::pipeline
