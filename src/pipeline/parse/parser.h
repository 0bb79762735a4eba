// Parse: fills a record's body, attributes, time, severity and ids from its line.
#pragma once

#include <cstdint>
#include <memory>

#include "pipeline/parse/known_keys.h"
#include "record/batch.h"

namespace telltale::pipeline {

struct ParserOptions {
  std::int32_t zone_offset_seconds = 0;  // east of UTC, for timestamps without a zone
};

// Buffers that parsing needs and that keep nothing between lines: one a thread, shared by the parsers of that thread.
class ParserScratch {
 public:
  ParserScratch();
  ~ParserScratch();
  ParserScratch(const ParserScratch&) = delete;
  ParserScratch& operator=(const ParserScratch&) = delete;
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

// One stream's parser: remembers what the keys of its last line meant. From one thread at a time, the scratch's. Never fails: a line
// that no format fits is plain text, and its body is the whole line.
//
// Linear in the line; nested JSON is kept as written (AttributeType::json, valid, at most 64 deep: a line with more is plain text) and
// never recursed into. Fields are views into the line; only a string with escapes, a decoded baggage value and the names of a plain
// line's fields are appended to batch.text. In a line with invalid UTF-8 the bytes that are none become "?" where a string of it is
// unescaped; the line keeps them. Of a joined record (flag_joined) the first line is parsed and its message is the body, but JSON whole.
class Parser {
 public:
  // `scratch` outlives the parser.
  explicit Parser(ParserScratch& scratch, ParserOptions options = {}) : scratch_(&scratch), options_(options) {}

  // Every record of the batch. batch.attributes is empty before; after, the attributes of each stand in record order.
  void parse(record::Batch& batch);

  // One record again, after its line changed (redaction): everything that parsing fills is set anew from record.line; observed_time,
  // line, findings, source_lines and the flags of other stages stay. Its attributes are appended at the end of batch.attributes and
  // the record points there; the old ones stay behind unused, and so does what was unescaped for them: whoever took a secret out of
  // the line wipes those bytes of batch.text itself (they lie in the views of the old attributes, body and ids).
  void parse_line(record::Batch& batch, record::Record& record);

 private:
  void parse_record(record::Batch& batch, record::Record& record);

  ParserScratch* scratch_;
  ParserOptions options_;
  KeyMemory keys_;
  std::uint32_t attributes_per_record_ = 4;  // of the last batch: what is reserved for the next
};

}  // namespace telltale::pipeline
