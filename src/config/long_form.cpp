#include <algorithm>
#include <charconv>

#include "config/item_reader.h"

namespace telltale::config {

namespace {

Node map_of(std::string key, const Node& value) {
  return {Node::Kind::map, value.line, {}, false, {{std::move(key), value.line, value}}};
}

bool has_key(const Node& map, std::string_view key) {
  return std::any_of(map.entries.begin(), map.entries.end(), [&](const Entry& entry) { return entry.key == key; });
}

Node host(const Node& node) {
  if (node.kind == Node::Kind::scalar) return map_of("host", node);
  Node result = node;
  for (Entry& entry : result.entries) {
    if (entry.key == "ip" && !has_key(node, "host")) entry.key = "host";
  }
  return result;
}

Node ready(const Node& node) {
  if (node.kind != Node::Kind::scalar) return node;
  const std::string& text = node.text;
  const bool digits = !node.quoted && !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) return map_of("port", node);
  return map_of(text.starts_with("http://") || text.starts_with('/') ? "http" : "line", node);
}

// The entries keep their keys, for messages.
Node services(const Node& node) {
  if (node.kind != Node::Kind::map) return node;
  Node list{Node::Kind::sequence, node.line, {}, false, {}};
  for (const Entry& entry : node.entries) {
    Entry service = entry;
    if (entry.node.kind == Node::Kind::map || entry.node.kind == Node::Kind::empty) {
      service.node.kind = Node::Kind::map;
      service.node.entries.insert(service.node.entries.begin(),
                                  {"name", entry.line, {Node::Kind::scalar, entry.line, entry.key, true, {}}});
    }
    list.entries.push_back(std::move(service));
  }
  return list;
}

}  // namespace

Node long_form(std::string_view path, const Node& node) {
  if (path == "ssh.jump_host" || path == "ssh.target_host") return host(node);
  if (path.ends_with("services[].ready")) return ready(node);
  if (path.ends_with("services")) return services(node);
  return node;
}

}  // namespace telltale::config
