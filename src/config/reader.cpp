#include "config/reader.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/table.h"
#include "config/value.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

std::string joined(const std::string& parent, std::string_view key) {
  return parent.empty() ? base::to_printable(key) : fmt::format("{}.{}", parent, base::to_printable(key));
}

std::string_view kind_text(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::empty:
      return "nothing";
    case Node::Kind::scalar:
      return "a value";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return "?";
}

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

// A text, a list or a map of texts, as it stands in the file but in JSON's form, which is YAML too.
std::string written_yaml(const Node& node) {
  if (node.kind == Node::Kind::scalar) return quoted(node.text);
  const bool is_map = node.kind == Node::Kind::map;
  std::string out = is_map ? "{" : "[";
  for (const Entry& entry : node.entries) {
    if (out.size() > 1) out += ", ";
    if (is_map) out += quoted(entry.key) + ": ";
    out += quoted(entry.node.text);
  }
  return out + (is_map ? "}" : "]");
}

}  // namespace

void Reader::report(ErrorCode code, int line, std::string key, std::string value, std::string message) {
  problems_.push_back({code, file_, line, std::move(key), base::to_printable(value), std::move(message)});
}

void Reader::read(const Node& root) {
  if (root.kind == Node::Kind::map || root.kind == Node::Kind::empty) {
    read_version(root);
    read_map(root, {});
  } else {
    report(ErrorCode::config_invalid_value, root.line, {}, {}, "must be a map of settings, as in `version: 1`");
  }
}

void Reader::read_version(const Node& root) {
  for (const Entry& entry : root.entries) {
    if (entry.key != "version") continue;
    if (entry.node.kind == Node::Kind::scalar && entry.node.text == "1") return;
    report(ErrorCode::config_invalid_value, entry.line, "version", entry.node.text, "must be 1, the one version that this telltale reads");
    return;
  }
  report(ErrorCode::config_invalid_value, 1, "version", {}, "is missing; write `version: 1`");
}

void Reader::read_map(const Node& map, const std::string& path) {
  for (const Entry& entry : map.entries) {
    if (!path.empty() || entry.key != "version") read_key(entry, path);
  }
}

void Reader::read_key(const Entry& entry, const std::string& parent) {
  const std::string path = joined(parent, entry.key);
  if (is_list(path)) {
    read_list(entry.node, path);
  } else if (const Setting* setting = find_setting(path)) {
    if (auto read = read_value(*setting, entry.node, path)) {
      setting->write(loaded_.config, read->value);
      loaded_.origins[path] = std::move(read->origin);
    }
  } else if (!is_section(path)) {
    report(ErrorCode::config_unknown_key, entry.line, path, {}, "is not a setting" + suggestion(parent, entry.key));
  } else if (entry.node.kind == Node::Kind::map) {
    read_map(entry.node, path);
  } else if (entry.node.kind != Node::Kind::empty) {  // a section all of whose keys are commented out
    report(ErrorCode::config_invalid_value, entry.line, path, entry.node.text,
           fmt::format("must be a map of settings, not {}", kind_text(entry.node.kind)));
  }
}

std::optional<Value> Reader::parse_node(const Setting& setting, const Node& node, const std::string& shown) {
  switch (setting.type) {
    case SettingType::text_list:
      return read_text_list(setting, node, shown);
    case SettingType::text_map:
      return read_text_map(setting, node, shown);
    default:
      return read_scalar(setting, node, shown);
  }
}

std::optional<Reader::Read> Reader::read_value(const Setting& setting, const Node& node, const std::string& shown) {
  replaced_ = false;
  auto value = parse_node(setting, node, shown);
  if (!value) return std::nullopt;
  Origin origin{OriginKind::file, file_, node.line, std::nullopt};
  if (replaced_) origin.written = written_yaml(node);
  return Read{std::move(*value), std::move(origin)};
}

std::optional<Value> Reader::read_scalar(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind != Node::Kind::scalar) {
    report(ErrorCode::config_invalid_value, node.line, shown, {},
           fmt::format("must be {}, not {}", allowed_text(setting), kind_text(node.kind)));
    return std::nullopt;
  }
  const auto text = text_of(setting, node, shown);
  if (!text) return std::nullopt;
  auto value = parse_value(setting, text->text);
  if (!value) {
    // The value as it was written: what ${...} stands for may be a secret.
    report(ErrorCode::config_invalid_value, node.line, shown, setting.type == SettingType::secret ? "" : node.text, value.error());
    return std::nullopt;
  }
  if (setting.type == SettingType::secret && !text->replaced && !text->text.empty()) {
    loaded_.warnings.push_back(
        fmt::format("{}:{}: {}: stands in the file in plain text; use ${{NAME}} or ${{file:/path}}", file_, node.line, shown));
  }
  return std::move(*value);
}

std::optional<Value> Reader::read_text_list(const Setting& setting, const Node& node, const std::string& shown) {
  // One text is a list of one.
  const std::vector<Entry> single = {{{}, node.line, node}};
  const bool is_single = node.kind == Node::Kind::scalar;
  if (!is_single && node.kind != Node::Kind::sequence) {
    report(ErrorCode::config_invalid_value, node.line, shown, {},
           fmt::format("must be {}, not {}", allowed_text(setting), kind_text(node.kind)));
    return std::nullopt;
  }
  TextList texts;
  for (const Entry& entry : is_single ? single : node.entries) {
    const auto text = text_of(setting, entry.node, is_single ? shown : fmt::format("{}[{}]", shown, texts.size()));
    if (!text) return std::nullopt;
    texts.push_back(text->text);
  }
  return texts;
}

std::optional<Value> Reader::read_text_map(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind != Node::Kind::map) {
    report(ErrorCode::config_invalid_value, node.line, shown, {},
           fmt::format("must be {}, not {}", allowed_text(setting), kind_text(node.kind)));
    return std::nullopt;
  }
  TextMap texts;
  for (const Entry& entry : node.entries) {
    const auto text = text_of(setting, entry.node, joined(shown, entry.key));
    if (!text) return std::nullopt;
    texts[entry.key] = text->text;
  }
  return texts;
}

std::optional<Interpolator::Text> Reader::text_of(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind != Node::Kind::scalar || node.text.find('\0') != std::string::npos) {
    const std::string_view found = node.kind == Node::Kind::scalar ? "one with a zero byte" : kind_text(node.kind);
    report(ErrorCode::config_invalid_value, node.line, shown, {}, fmt::format("must be a text, not {}", found));
    return std::nullopt;
  }
  if (setting.type == SettingType::pattern) return Interpolator::Text{node.text, false};
  auto text = interpolate_(node.text);
  if (!text) {
    report(text.error().code, node.line, shown, setting.type == SettingType::secret ? "" : node.text, text.error().message);
    return std::nullopt;
  }
  replaced_ |= text->replaced;
  return std::move(*text);
}

}  // namespace telltale::config
