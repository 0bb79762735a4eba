#include "config/item_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
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

// As it stands in the file but in JSON's form, which is YAML too.
std::string written_yaml(const Node& node) {
  if (node.kind == Node::Kind::scalar || node.kind == Node::Kind::empty) return quoted(node.text);
  const bool is_map = node.kind == Node::Kind::map;
  std::string out = is_map ? "{" : "[";
  for (const Entry& entry : node.entries) {
    if (out.size() > 1) out += ", ";
    if (is_map) out += quoted(entry.key) + ": ";
    out += written_yaml(entry.node);
  }
  return out + (is_map ? "}" : "]");
}

// The text of a secret with nothing but its references: "${NAME:-***}". Other parts of it are shown as ***.
std::string without_plain_parts(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto begin = std::min(text.find("${"), text.size());
    if (begin > 0) out += "***";
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) break;
    const std::string_view reference = text.substr(begin, end - begin);
    const auto colon = reference.find(":-");
    const bool has_default = colon != std::string_view::npos && colon + 2 < reference.size();
    out.append(has_default ? std::string(reference.substr(0, colon)) + ":-***" : std::string(reference)) += '}';
    text.remove_prefix(end + 1);
  }
  return out;
}

// What a plain scalar of YAML means where the table does not say it.
Value plain_value(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole); error == std::errc() && stop == end) return whole;
  double number = 0;
  const bool decimal = !text.empty() && text.find_first_not_of("0123456789.+-eE") == std::string::npos;
  if (const auto [stop, error] = std::from_chars(text.data(), end, number); decimal && error == std::errc() && stop == end) return number;
  return text;
}

bool any_member(const Item& item, bool Item::* flag) {
  return std::any_of(item.members.begin(), item.members.end(), [&](const Member& member) { return member.item.*flag; });
}

}  // namespace

void ItemReader::report(ErrorCode code, int line, std::string key, std::string_view value, std::string message) {
  Problem problem{code, file_, line, std::move(key), base::to_printable(value), std::move(message)};
  if (code == ErrorCode::secret_missing && findings_.missing != nullptr) {
    findings_.missing->push_back(std::move(problem));
  } else {
    findings_.problems.push_back(std::move(problem));
  }
}

void ItemReader::report_kind(const Setting& setting, const Node& node, const std::string& shown) {
  report(ErrorCode::config_invalid_value, node.line, shown, {},
         fmt::format("must be {}, not {}", allowed_text(setting), kind_text(node.kind)));
}

Item ItemReader::wrong(int line) {
  Item item;
  item.origin = {OriginKind::file, file_, line, std::nullopt};
  item.wrong = true;
  return item;
}

Item ItemReader::read(const Node& map, const std::string& shown, std::span<const std::string_view> skipped) {
  return read_map(map, {{}, shown}, skipped);
}

Item ItemReader::read_map(const Node& map, const Place& place, std::span<const std::string_view> skipped) {
  Item item;
  item.origin = {OriginKind::file, file_, map.line, std::nullopt};
  for (const Entry& entry : map.entries) {
    if (std::find(skipped.begin(), skipped.end(), entry.key) != skipped.end()) continue;
    if (auto read = read_entry(entry, place)) {
      item.members.push_back({entry.key, entry.line, std::move(*read)});
    }
  }
  item.wrong = any_member(item, &Item::wrong);
  return item;
}

std::optional<Item> ItemReader::read_entry(const Entry& entry, const Place& parent) {
  const Place place{joined(parent.path, entry.key), joined(parent.shown, entry.key)};
  if (table_.is_list(place.path)) return read_list(long_form(place.path, entry.node), place, entry.line);
  if (const Setting* setting = table_.find(place.path)) {
    if (entry.node.kind == Node::Kind::empty && setting->type == SettingType::any) return std::nullopt;
    return read_setting(*setting, entry.node, place.shown);
  }
  if (table_.is_section(place.path)) return read_section(long_form(place.path, entry.node), place, entry.line);
  report(ErrorCode::config_unknown_key, entry.line, place.shown, {}, "is not a setting" + table_.suggestion(parent.path, entry.key));
  return wrong(entry.line);
}

std::optional<Item> ItemReader::read_section(const Node& node, const Place& place, int line) {
  if (node.kind == Node::Kind::map) return read_map(node, place);
  if (node.kind == Node::Kind::empty) return std::nullopt;  // a section all of whose keys are commented out
  report(ErrorCode::config_invalid_value, line, place.shown, node.text,
         fmt::format("must be a map of settings, not {}", kind_text(node.kind)));
  return wrong(line);
}

Item ItemReader::read_list(const Node& node, const Place& place, int line) {
  Item item;
  item.kind = Item::Kind::list;
  item.origin = {OriginKind::file, file_, line, std::nullopt};
  if (node.kind == Node::Kind::empty) return item;
  const bool by_name = place.path.ends_with("services");
  if (node.kind != Node::Kind::sequence) {
    report(ErrorCode::config_invalid_value, node.line, place.shown, node.text,
           by_name ? "must be a map from names to settings, or a list of entries with a name"
                   : "must be a list of entries, each a map of settings");
    return wrong(node.line);
  }
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    item.members.push_back({node.entries[i].key, node.entries[i].line, read_list_entry(node.entries[i], place, i)});
  }
  item.wrong = any_member(item, &Item::wrong);
  return item;
}

Item ItemReader::read_list_entry(const Entry& entry, const Place& list, std::size_t index) {
  // Entries of a map's long form keep their key for messages.
  const Place place{list.path + "[]", entry.key.empty() ? fmt::format("{}[{}]", list.shown, index) : joined(list.shown, entry.key)};
  if (entry.node.kind != Node::Kind::map && entry.node.kind != Node::Kind::empty) {
    report(ErrorCode::config_invalid_value, entry.line, place.shown, entry.node.text, "must be a map of settings");
    return wrong(entry.line);
  }
  const auto is_name = [](const Entry& each) { return each.key == "name"; };
  if (!entry.key.empty() && std::count_if(entry.node.entries.begin(), entry.node.entries.end(), is_name) > 1) {
    report(ErrorCode::config_invalid_value, entry.line, place.shown + ".name", {}, "is given already by the key above it; take it out");
    return wrong(entry.line);
  }
  Item item = read_map(entry.node, place);
  item.wrong = item.wrong || !has_required(item, place, entry.line);
  return item;
}

bool ItemReader::has_required(const Item& entry, const Place& place, int line) {
  for (const Setting* setting : table_.below(place.path)) {
    // Lists say themselves what they need.
    if (!setting->required || setting->type == SettingType::text_list) continue;
    const std::string_view name = setting->path.substr(setting->path.rfind('.') + 1);
    const Item* given = entry.find(name);
    const auto* text = given != nullptr ? std::get_if<std::string>(&given->value) : nullptr;
    if (given != nullptr && (given->missing || text == nullptr || !text->empty())) continue;
    report(ErrorCode::config_invalid_value, line, fmt::format("{}.{}", place.shown, name), {}, "is missing");
    return false;
  }
  return true;
}

Item ItemReader::read_setting(const Setting& setting, const Node& node, const std::string& shown) {
  switch (setting.type) {
    case SettingType::command:
      return node.kind == Node::Kind::sequence ? read_text_list(setting, node, shown) : read_scalar(setting, node, shown);
    case SettingType::text_list:
      return read_text_list(setting, node, shown);
    case SettingType::text_map:
    case SettingType::text_lists:
      return read_text_map(setting, node, shown);
    case SettingType::any:
      return read_any(setting, node, shown);
    default:
      return read_scalar(setting, node, shown);
  }
}

Item ItemReader::leaf(const Setting& setting, const Node& node, Text text, Value value) {
  Item item;
  item.kind = Item::Kind::value;
  item.value = std::move(value);
  item.type = setting.type;
  item.origin = {OriginKind::file, file_, node.line, std::nullopt};
  if (text.replaced)
    item.origin.written = setting.type == SettingType::secret ? quoted(without_plain_parts(node.text)) : written_yaml(node);
  item.hidden = text.hidden;
  item.missing = text.missing;
  return item;
}

Item ItemReader::read_scalar(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind != Node::Kind::scalar) {
    report_kind(setting, node, shown);
    return wrong(node.line);
  }
  // The shell replaces ${...} of its commands itself.
  const bool verbatim = setting.type == SettingType::pattern || setting.type == SettingType::command;
  const auto text = text_of(setting, node, shown, verbatim);
  if (!text) return wrong(node.line);
  if (text->unknown) return leaf(setting, node, *text, text->text);
  auto value = parse_value(setting, text->text);
  if (!value) {
    // The value as it was written: what ${...} stands for may be a secret.
    report(ErrorCode::config_invalid_value, node.line, shown, setting.type == SettingType::secret ? "" : node.text, value.error());
    return wrong(node.line);
  }
  const bool is_plain =
      setting.type == SettingType::secret && !text->text.empty() && without_plain_parts(node.text).find("***") != std::string::npos;
  if (is_plain) {
    findings_.warnings.push_back(
        fmt::format("{}:{}: {}: stands in the file in plain text; use ${{NAME}} or ${{file:/path}}", file_, node.line, shown));
  }
  return leaf(setting, node, *text, std::move(*value));
}

Item ItemReader::read_text(const Setting& setting, const Node& node, const std::string& shown) {
  const auto text = text_of(setting, node, shown);
  return text ? leaf(setting, node, *text, text->text) : wrong(node.line);
}

Item ItemReader::read_text_list(const Setting& setting, const Node& node, const std::string& shown) {
  Item item;
  item.kind = Item::Kind::list;
  item.type = setting.type;
  item.origin = {OriginKind::file, file_, node.line, std::nullopt};
  if (node.kind == Node::Kind::scalar) {  // one text is a list of one
    item.members.push_back({{}, node.line, read_text(setting, node, shown)});
  } else if (node.kind != Node::Kind::sequence) {
    report_kind(setting, node, shown);
    return wrong(node.line);
  } else {
    for (const Entry& entry : node.entries) {
      item.members.push_back({{}, entry.line, read_text(setting, entry.node, fmt::format("{}[{}]", shown, item.members.size()))});
      if (item.members.back().item.wrong) break;  // one message for the list
    }
  }
  item.wrong = any_member(item, &Item::wrong);
  const auto is_replaced = [](const Member& member) { return member.item.origin.written.has_value(); };
  if (std::any_of(item.members.begin(), item.members.end(), is_replaced)) item.origin.written = written_yaml(node);
  return item;
}

Item ItemReader::read_text_map(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind != Node::Kind::map) {
    report_kind(setting, node, shown);
    return wrong(node.line);
  }
  Item item;
  item.type = setting.type;
  item.origin = {OriginKind::file, file_, node.line, std::nullopt};
  for (const Entry& entry : node.entries) {
    const std::string place = joined(shown, entry.key);
    Item value =
        setting.type == SettingType::text_lists ? read_text_list(setting, entry.node, place) : read_text(setting, entry.node, place);
    if (value.origin.written) item.origin.written = written_yaml(node);
    item.members.push_back({entry.key, entry.line, std::move(value)});
    if (item.members.back().item.wrong) break;
  }
  item.wrong = any_member(item, &Item::wrong);
  return item;
}

Item ItemReader::read_any(const Setting& setting, const Node& node, const std::string& shown) {
  if (node.kind == Node::Kind::scalar) {
    const auto text = text_of(setting, node, shown);
    if (!text) return wrong(node.line);
    // What ${...} stands for stays a text.
    return leaf(setting, node, *text, node.quoted || text->replaced ? Value(text->text) : plain_value(text->text));
  }
  if (node.kind == Node::Kind::empty) return leaf(setting, node, {}, std::string());
  Item item;
  item.kind = node.kind == Node::Kind::map ? Item::Kind::map : Item::Kind::list;
  item.type = setting.type;
  item.origin = {OriginKind::file, file_, node.line, std::nullopt};
  for (const Entry& entry : node.entries) {
    const bool named = item.kind == Item::Kind::map;
    if (named && entry.node.kind == Node::Kind::empty) continue;
    const std::string place = named ? joined(shown, entry.key) : fmt::format("{}[{}]", shown, item.members.size());
    item.members.push_back({named ? entry.key : std::string(), entry.line, read_any(setting, entry.node, place)});
  }
  item.wrong = any_member(item, &Item::wrong);
  return item;
}

std::optional<ItemReader::Text> ItemReader::text_of(const Setting& setting, const Node& node, const std::string& shown, bool verbatim) {
  if (node.kind != Node::Kind::scalar || node.text.find('\0') != std::string::npos) {
    const std::string_view found = node.kind == Node::Kind::scalar ? "one with a zero byte" : kind_text(node.kind);
    report(ErrorCode::config_invalid_value, node.line, shown, {}, fmt::format("must be a text, not {}", found));
    return std::nullopt;
  }
  const bool secret = setting.type == SettingType::secret;
  if (verbatim) return Text{node.text, false, false, false, false};
  if (interpolate_ == nullptr) {
    if (const auto problem = Interpolator::syntax_problem(node.text)) {
      report(problem->code, node.line, shown, secret ? "" : node.text, problem->message);
      return std::nullopt;
    }
    const bool refers = node.text.find("${") != std::string::npos;
    return Text{node.text, refers, secret, refers, false};
  }
  auto text = (*interpolate_)(node.text);
  if (!text) {
    report(text.error().code, node.line, shown, secret ? "" : node.text, text.error().message);
    if (text.error().code != ErrorCode::secret_missing || findings_.missing == nullptr) return std::nullopt;
    return Text{{}, true, true, true, true};
  }
  if (setting.type == SettingType::command && text->stored) {
    report(ErrorCode::config_invalid_value, node.line, shown, node.text,
           "would put a secret into the arguments of a process, which everybody on the machine can see; give it by `env`");
    return std::nullopt;
  }
  const bool may_hide = setting.type == SettingType::text_map || setting.type == SettingType::any || setting.type == SettingType::command;
  return Text{std::move(text->text), text->replaced, secret || text->stored || (text->replaced && may_hide), false, false};
}

}  // namespace telltale::config
