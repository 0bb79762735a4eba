// Which names of fields mean that the value is a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/redact/rule.h"

namespace telltale::pipeline {

// How a value without quotes goes on.
enum class FieldValue : std::uint8_t {
  word,    // to the next space or separator
  header,  // after "Name:" to the end of the line or the enclosing quote
  id,      // a word that looks like an identifier: has a digit, 8 characters or more
};

// A kind of name: one redaction rule, with its own counter, that can be disabled by name.
struct FieldGroup {
  std::string_view name;
  std::string_view what;
  FieldValue value = FieldValue::word;
  std::vector<std::string_view> keywords;  // literals to look for, any case; one stands in every name of the group
  std::vector<std::string_view> endings;   // a name (in lower case, without _ - . and trailing digits) that ends so is of the group
  std::vector<std::string_view> names;     // or that is this exactly
};
const std::vector<FieldGroup>& builtin_field_groups();

// Immutable after its last add().
class FieldNames {
 public:
  struct Match {
    RuleIndex rule = 0;
    FieldValue value = FieldValue::word;
  };

  void add(const FieldGroup& group, RuleIndex rule);
  // Exactly this name, or its last part after a dot; case, _ and - are ignored.
  void add_name(std::string_view name, RuleIndex rule);
  std::optional<Match> find(std::string_view name) const;

 private:
  struct Entry {
    std::string text;
    bool ending = false;
    Match match;
  };
  std::vector<Entry> entries_;
};

}  // namespace telltale::pipeline
