#include "config/tree.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"

namespace telltale::config {

namespace {

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

// Builds the tree from the parser's events, so that a document beyond the limits is left in the middle.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string file, std::vector<Problem>& problems) : file_(std::move(file)), problems_(problems) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw YAML::ParserException(mark, "one document is allowed in the file, and a second one begins here");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, Node{Node::Kind::empty, line_of(mark), {}, false, {}}); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark,
                                "aliases (*name) are not supported; write the value out, or in environments.yaml use `inherits: NAME`");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    if (wants_key()) {
      count(mark);
      open_.back().key = value;
      open_.back().key_line = line_of(mark);
      open_.back().has_key = true;
      check_key(mark);
    } else {
      add(mark, Node{Node::Kind::scalar, line_of(mark), value, tag == "!", {}});
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    std::string key;  // of the entry that comes next
    int key_line = 0;
    bool has_key = false;
    bool repeated = false;
  };

  bool wants_key() const { return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().has_key; }

  void count(const YAML::Mark& mark) {
    if (++nodes_ > max_document_nodes) throw YAML::ParserException(mark, fmt::format("more than {} values", max_document_nodes));
  }

  void check_key(const YAML::Mark& mark) {
    Open& map = open_.back();
    const auto same = [&](const Entry& entry) { return entry.key == map.key; };
    // Maps with very many keys are not checked: nothing here has them, and the check is quadratic.
    if (map.node.entries.size() > 1000) throw YAML::ParserException(mark, "more than 1000 keys in one map");
    const auto first = std::find_if(map.node.entries.begin(), map.node.entries.end(), same);
    map.repeated = first != map.node.entries.end();
    if (!map.repeated) return;
    problems_.push_back({base::ErrorCode::config_syntax,
                         file_,
                         map.key_line,
                         base::to_printable(map.key),
                         {},
                         fmt::format("is given twice, first in line {}; keep one of them", first->line)});
  }

  void add(const YAML::Mark& mark, Node node) {
    if (wants_key()) throw YAML::ParserException(mark, "a key must be a text");
    count(mark);
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    parent.has_key = false;
    if (std::exchange(parent.repeated, false)) return;
    const int line = parent.node.kind == Node::Kind::map ? parent.key_line : node.line;
    parent.node.entries.push_back({std::exchange(parent.key, {}), line, std::move(node)});
  }

  void open(const YAML::Mark& mark, Node::Kind kind) {
    if (wants_key()) throw YAML::ParserException(mark, "a key must be a text");
    if (open_.size() >= max_document_depth) throw YAML::ParserException(mark, fmt::format("more than {} levels deep", max_document_depth));
    open_.push_back({Node{kind, line_of(mark), {}, false, {}}, {}, 0, false, false});
    marks_.push_back(mark);
  }

  void close() {
    Node node = std::move(open_.back().node);
    const YAML::Mark mark = marks_.back();
    open_.pop_back();
    marks_.pop_back();
    add(mark, std::move(node));
  }

  std::string file_;
  std::vector<Problem>& problems_;
  Node root_;
  std::vector<Open> open_;
  std::vector<YAML::Mark> marks_;  // where each open node began
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

Problem syntax_problem(const std::string& file, int line, std::string message) {
  return {base::ErrorCode::config_syntax, file, line, {}, {}, std::move(message)};
}

}  // namespace

std::expected<Node, Problem> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems) {
  if (text.size() > max_document_bytes) {
    return std::unexpected(syntax_problem(file, 0, fmt::format("is larger than {}", base::format_bytes(max_document_bytes))));
  }
  if (!base::is_valid_utf8(text)) return std::unexpected(syntax_problem(file, 0, "is not UTF-8 text"));
  Builder builder(file, problems);
  // The library reports with exceptions; they end here.
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::DeepRecursion& deep) {
    return std::unexpected(
        syntax_problem(file, line_of(deep.mark), fmt::format("is not YAML: more than {} levels deep", max_document_depth)));
  } catch (const YAML::Exception& wrong) {
    return std::unexpected(syntax_problem(file, line_of(wrong.mark), "is not YAML as telltale reads it: " + base::to_printable(wrong.msg)));
  }
  return builder.take();
}

}  // namespace telltale::config
