// Syslog: RFC 5424, and the older form of RFC 3164 with its priority (from the network) or without (in files).
#pragma once

#include "pipeline/parse/fields.h"

namespace telltale::pipeline {

// "<34>1 2024-03-21T10:30:00Z host app 123 ID47 - text", "<34>Mar 21 10:30:00 host app[123]: text". Severity comes from the priority.
// False when it is neither; nothing was changed then.
bool parse_syslog(RecordFields& fields, record::TextRef region);

// " host app[123]: text", `at` behind the time. Attributes host, app and pid; the level where the text begins with one. False when
// it is not that; nothing was changed then.
bool parse_syslog_origin(RecordFields& fields, record::TextRef region, std::size_t at);

}  // namespace telltale::pipeline
