// Writes one JSON document, indented, members in the order they come. Text is escaped; invalid UTF-8 becomes U+FFFD.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace telltale::reports {

// Values of an object are written as key() then value, or with member(). One owner.
class JsonWriter {
 public:
  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }

  void key(std::string_view name) {
    separate();
    base::append_json_string(out_, name);
    out_ += ": ";
    after_key_ = true;
  }
  void value(std::string_view text) {
    separate();
    base::append_json_string(out_, text);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool flag) {
    separate();
    out_ += flag ? "true" : "false";
  }
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)
  void value(Integer number) {
    separate();
    out_ += std::to_string(number);
  }
  template <class Value>
  void member(std::string_view name, const Value& what) {
    key(name);
    value(what);
  }
  // Left out when it is empty.
  void member_if(std::string_view name, std::string_view text) {
    if (!text.empty()) member(name, text);
  }
  void open_object(std::string_view name) {
    key(name);
    begin_object();
  }
  void open_array(std::string_view name) {
    key(name);
    begin_array();
  }

  // The document with a line end.
  std::string take() {
    out_ += '\n';
    return std::move(out_);
  }

 private:
  void begin(char bracket) {
    separate();
    out_ += bracket;
    empty_.push_back(true);
  }
  void end(char bracket) {
    const bool was_empty = empty_.back();
    empty_.pop_back();
    if (!was_empty) new_line();
    out_ += bracket;
  }
  void separate() {
    if (after_key_) {
      after_key_ = false;
      return;
    }
    if (empty_.empty()) return;
    if (!empty_.back()) out_ += ',';
    empty_.back() = false;
    new_line();
  }
  void new_line() {
    out_ += '\n';
    out_.append(empty_.size() * 2, ' ');
  }

  std::string out_;
  std::vector<bool> empty_;  // of each open bracket: nothing is in it yet
  bool after_key_ = false;
};

}  // namespace telltale::reports
