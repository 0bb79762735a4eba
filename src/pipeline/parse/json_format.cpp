#include <algorithm>
#include <cstring>
#include <limits>

#include "base/assert.h"
#include "pipeline/parse/buffers.h"
#include "pipeline/parse/line_formats.h"
#include "record/json_check.h"

namespace telltale::pipeline {

using record::Attribute;
using record::AttributeType;
using record::TextRef;

namespace {

namespace ondemand = simdjson::ondemand;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Reads the fields of one object. `base` is where the parsed copy of `region` lies: the batch's text itself or the repaired copy.
class ObjectReader {
 public:
  ObjectReader(RecordFields& fields, TextRef region, const char* base) : fields_(fields), region_(region), base_(base) {}

  // False when it is no valid field.
  bool read(simdjson::simdjson_result<ondemand::field> result, Attribute& out) {
    ondemand::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    return read_key(field, out.key) && read_value(field.value(), out);
  }

 private:
  TextRef ref(std::string_view text) const {
    return {region_.offset + static_cast<std::uint32_t>(text.data() - base_), static_cast<std::uint32_t>(text.size())};
  }

  bool read_key(ondemand::field& field, TextRef& key) {
    const char* const begin = field.key().raw();
    const auto left = static_cast<std::size_t>(base_ + region_.size - begin);
    const void* const quote = std::memchr(begin, '"', left);
    if (quote == nullptr) return false;
    const std::string_view raw(begin, static_cast<std::size_t>(static_cast<const char*>(quote) - begin));
    if (raw.find('\\') == std::string_view::npos) {
      key = ref(raw);
      return true;
    }
    std::string_view unescaped;
    if (field.unescaped_key().get(unescaped) != simdjson::SUCCESS) return false;
    key = append_text(fields_.batch(), unescaped);
    return true;
  }

  bool read_value(ondemand::value value, Attribute& out) {
    ondemand::json_type type;
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    switch (type) {
      case ondemand::json_type::string:
        return read_string(value, out);
      case ondemand::json_type::number:
        return read_number(value, out);
      case ondemand::json_type::boolean: {
        out.text = ref(trim_end(value.raw_json_token()));
        bool truth = false;
        if (value.get_bool().get(truth) != simdjson::SUCCESS) return false;
        out.type = AttributeType::boolean;
        out.integer = truth ? 1 : 0;
        return true;
      }
      case ondemand::json_type::null:
        out.text = ref(trim_end(value.raw_json_token()));
        out.type = AttributeType::null;
        return fields_.view(out.text) == "null";
      case ondemand::json_type::object:
      case ondemand::json_type::array:
        return read_nested(value, type, out);
    }
    return false;
  }

  bool read_string(ondemand::value& value, Attribute& out) {
    const std::string_view token = trim_end(value.raw_json_token());
    if (token.size() < 2 || token.back() != '"') return false;
    const std::string_view inside = token.substr(1, token.size() - 2);
    out.type = AttributeType::text;
    if (std::memchr(inside.data(), '\\', inside.size()) == nullptr) {
      out.text = ref(inside);
      return true;
    }
    std::string_view unescaped;
    if (value.get_string().get(unescaped) != simdjson::SUCCESS) return false;
    out.text = append_text(fields_.batch(), unescaped);
    return true;
  }

  bool read_number(ondemand::value& value, Attribute& out) {
    out.text = ref(trim_end(value.raw_json_token()));
    ondemand::number number;
    if (value.get_number().get(number) != simdjson::SUCCESS) return read_large_number(value, out);
    if (number.is_int64()) {
      out.type = AttributeType::integer;
      out.integer = number.get_int64();
    } else {
      out.type = AttributeType::real;
      out.real = number.is_double() ? number.get_double() : static_cast<double>(number.get_uint64());
    }
    return true;
  }

  // An integer of more than 64 bits.
  static bool read_large_number(ondemand::value& value, Attribute& out) {
    out.type = AttributeType::real;
    return value.get_double().get(out.real) == simdjson::SUCCESS;
  }

  bool read_nested(ondemand::value& value, ondemand::json_type type, Attribute& out) {
    std::string_view raw;
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(raw) != simdjson::SUCCESS) return false;
    } else {
      ondemand::array array;
      if (value.get_array().get(array) != simdjson::SUCCESS || array.raw_json().get(raw) != simdjson::SUCCESS) return false;
    }
    raw = trim_end(raw);
    if (raw.find('\n') != std::string_view::npos) return read_nested_lines(raw, out);
    if (!record::is_json_line(raw)) return false;
    out.text = ref(raw);
    out.type = AttributeType::json;
    return true;
  }

  // JSON over several lines: line ends in it are white space.
  bool read_nested_lines(std::string_view raw, Attribute& out) {
    out.text = append_text(fields_.batch(), raw);
    std::string& text = fields_.batch().text;
    for (std::size_t at = out.text.offset; at < text.size(); ++at) {
      if (text[at] == '\n' || text[at] == '\r') text[at] = ' ';
    }
    out.type = AttributeType::json;
    return record::is_json_line(fields_.view(out.text));
  }

  RecordFields& fields_;
  TextRef region_;
  const char* base_;
};

// Ids and level of an object inside the line, which was found valid.
void read_container(RecordFields& fields, const Attribute& container, const char* base, std::size_t capacity,
                    ParserScratch::Buffers& buffers) {
  ondemand::document document;
  const simdjson::padded_string_view json(base, container.text.size, capacity);
  if (buffers.nested_json.iterate(json).get(document) != simdjson::SUCCESS) return;
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return;
  ObjectReader reader(fields, container.text, base);
  for (auto field : object) {
    Attribute attribute;
    if (!reader.read(field, attribute)) return;
    if (attribute.type == AttributeType::text) fields.add_nested(fields.view(container.key), attribute);
  }
}

// {"log":"…\n","stream":"stdout","time":"…"}: nothing else has exactly these, "attrs" may follow.
class DockerShape {
 public:
  void see(std::string_view key, const Attribute& field) {
    if (key == "log" && field.type == AttributeType::text) {
      log_ = field.text;
      ++found_;
    } else if (key == "stream" || key == "time") {
      ++found_;
    } else if (key != "attrs") {
      foreign_ = true;
    }
  }
  bool fits() const { return found_ == 3 && !foreign_; }
  TextRef inner(const RecordFields& fields) const {
    TextRef inner = log_;
    std::string_view text = fields.view(inner);
    if (text.ends_with('\n')) --inner.size;
    text = fields.view(inner);
    if (text.ends_with('\r')) --inner.size;
    return inner;
  }

 private:
  TextRef log_;
  int found_ = 0;
  bool foreign_ = false;
};

// A copy of the same length in which bytes that are no UTF-8 are '?', so that places in it are places in the line.
void repair(std::string_view text, std::string& out) {
  out.assign(text);
  for (std::size_t at = 0; at < out.size();) {
    const auto lead = static_cast<unsigned char>(out[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0x80 || (at + size <= out.size() && simdjson::validate_utf8(out.data() + at, size))) {
      at += size;
    } else {
      out[at++] = '?';
    }
  }
  out.reserve(out.size() + simdjson::SIMDJSON_PADDING);
}

// Objects that are looked into; a baggage may be written as one.
bool holds_ids(KeyRole role) {
  return role == KeyRole::container || role == KeyRole::baggage;
}

bool read_fields(RecordFields& fields, TextRef region, const char* base, std::size_t capacity, ParserScratch::Buffers& buffers,
                 DockerShape& docker) {
  ondemand::document document;
  if (buffers.json.iterate(simdjson::padded_string_view(base, region.size, capacity)).get(document) != simdjson::SUCCESS) return false;
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  ObjectReader reader(fields, region, base);
  for (auto field : object) {
    Attribute attribute;
    if (!reader.read(field, attribute)) return false;
    const std::string_view key = fields.view(attribute.key);
    docker.see(key, attribute);
    // "log" alone is the name of both a message (Docker) and a container (Elastic Common Schema).
    const bool object_field = attribute.type == AttributeType::json && fields.view(attribute.text)[0] == '{';
    if (object_field && (key == "log" || holds_ids(known_key(key).role))) {
      const std::size_t at = attribute.text.offset - region.offset;
      read_container(fields, attribute, base + at, capacity - at, buffers);
    }
    fields.add(attribute);
  }
  // Something behind the object: no JSON line.
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace

LineResult parse_json(RecordFields& fields, TextRef region, ParserScratch::Buffers& buffers) {
  const std::string_view text = trim_end(fields.view(region));
  if (text.size() < 2 || text.back() != '}') return {};
  std::string& whole = fields.batch().text;
  // What is unescaped, in the line and its containers, and decoded is at most three times the line: the text must not move meanwhile.
  const std::size_t needed = whole.size() + 3ull * region.size + simdjson::SIMDJSON_PADDING;
  if (whole.capacity() < needed) whole.reserve(std::max(needed, whole.capacity() + whole.capacity() / 4));

  const RecordFields::Mark mark = fields.mark();
  DockerShape docker;
  bool read = false;
  if (fields.record().has(record::flag_invalid_utf8)) {
    repair(fields.view(region), buffers.repaired);
    read = read_fields(fields, region, buffers.repaired.data(), buffers.repaired.capacity(), buffers, docker);
  } else {
    read = read_fields(fields, region, whole.data() + region.offset, whole.capacity() - region.offset, buffers, docker);
  }
  if (!read) {
    fields.back_to(mark);
    return {};
  }
  if (docker.fits()) return {ParseOutcome::wrapped, docker.inner(fields)};
  return {ParseOutcome::parsed};
}

}  // namespace telltale::pipeline
