// How records look outside: the standard entry of the wire (schema/websocket.json) and the line for terminals.
#pragma once

#include <string>
#include <string_view>

#include "record/batch.h"

namespace telltale::record {

// Appends the record as one JSON object on one line, valid UTF-8 whatever the source wrote. Labels and attributes are in `metadata`;
// attributes `context` and `context.NAME` are in `context`; those of `metadata` lose that prefix. An attribute with the name of a label
// is called `attribute.NAME`. Allocates nothing but what `out` needs.
void append_wire_entry(std::string& out, const RecordView& view);

// Appends "2026-11-21T01:02:03.123Z api ERROR the line" without a line end. Control characters and bytes that are no UTF-8 are written
// as \xNN; the further lines of a joined record follow indented.
void append_plain_line(std::string& out, const RecordView& view);

// Appends the inside of `text` for a terminal, as append_plain_line does; a line end becomes "\n    ".
void append_printable(std::string& out, std::string_view text);

// The name of one flag: "redacted" "joined"…
std::string_view flag_name(RecordFlag flag);

}  // namespace telltale::record
