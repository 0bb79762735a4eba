// The formats of lines. Each works on `region` of the batch's text: the line, or the line inside it that another format wrapped.
#pragma once

#include "pipeline/parse/fields.h"
#include "pipeline/parse/parser.h"
#include "record/batch.h"

namespace telltale::pipeline {

enum class ParseOutcome : std::uint8_t {
  other,  // not this format; nothing was changed
  parsed,
  wrapped,  // parsed, and `inner` is a line of some other format
};

struct LineResult {
  ParseOutcome outcome = ParseOutcome::other;
  record::TextRef inner = {};
};

// One JSON object and nothing else: its fields. Docker's json-file line wraps the line in "log".
// `parser.cpp` makes sure that text_slack_bytes lie behind the text.
LineResult parse_json(RecordFields& fields, record::TextRef region, ParserScratch::Buffers& buffers);

// key=value key="quoted value" …: a line that begins with a pair, is pairs for the most part, and has two of them or names a level or
// a message.
LineResult parse_logfmt(RecordFields& fields, record::TextRef region);

// Everything else: time, level and origin at the head of the line. CRI wraps a line. Always `parsed` or `wrapped`.
LineResult parse_plain(RecordFields& fields, record::TextRef region);

// Whether a logfmt pair stands at the beginning.
bool begins_with_pair(std::string_view text);

}  // namespace telltale::pipeline
