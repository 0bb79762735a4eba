#include "logic_file.h"

#include <fstream>
#include <stdexcept>
#include <utility>

#include "base/text.h"
#include "query/lang/parser.h"
#include "query/lang/words.h"

namespace telltale::logic {
namespace {

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)), in_(path_) {
    if (!in_) fail("cannot be read");
  }

  LogicFile read() {
    while (next()) {
      if (line_.empty()) continue;
      const auto [word, rest] = cut(line_);
      if (word == "ingest") {
        read_ingest(rest);
      } else if (word == "run") {
        read_run(rest);
      } else if (word == "query" || word == "count" || word == "error") {
        read_ask(word, rest);
      } else {
        fail("a block starts with ingest, run, query, count or error, not '" + word + "'");
      }
    }
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw std::runtime_error(path_ + ":" + std::to_string(number_) + ": " + why); }

  bool next() {
    while (std::getline(in_, line_)) {
      ++number_;
      if (!line_.starts_with("#")) return true;
    }
    return false;
  }

  static std::pair<std::string, std::string> cut(const std::string& text) {
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return {text, ""};
    return {text.substr(0, space), text.substr(space + 1)};
  }

  base::UnixNanos time(const std::string& text) const {
    const auto parsed = base::parse_rfc3339("2026-11-21T" + text + "Z");
    if (!parsed) fail("'" + text + "' is no time of day");
    return *parsed;
  }

  void read_ingest(const std::string& selector) {
    const auto query = query::parse(selector);
    if (!query) fail(query.error().message());
    std::vector<std::pair<std::string, std::string>> labels;
    for (const auto& condition : query->selector) {
      const auto& matcher = std::get<query::LabelMatcher>(condition);
      labels.emplace_back(matcher.name, matcher.value.value);
    }
    Ingest ingest{record::Labels(std::move(labels)), {}};
    while (next() && !line_.empty()) ingest.lines.push_back(read_line());
    file_.ingests.push_back(std::move(ingest));
  }

  IngestedLine read_line() const {
    const auto [time_text, after_time] = cut(line_);
    auto [kind, text] = cut(after_time);
    IngestedLine line;
    line.time = time(time_text);
    if (kind == "gap") {
      line.gap_reason = text;
      return line;
    }
    const auto range = query::severity_range(kind);
    if (!range) fail("'" + kind + "' is no severity");
    line.severity = static_cast<record::Severity>(range->first);
    if (text.starts_with("!")) std::tie(line.finding, text) = cut(text.substr(1));
    line.text = text;
    return line;
  }

  void read_run(const std::string& text) {
    RunStory story;
    std::string rest;
    std::tie(story.run, rest) = cut(text);
    while (!rest.empty()) {
      std::string service;
      std::tie(service, rest) = cut(rest);
      const std::size_t equals = service.find('=');
      if (equals == std::string::npos) fail("'" + service + "' is no NAME=PATTERN");
      story.services.emplace_back(service.substr(0, equals), service.substr(equals + 1));
    }
    while (next() && !line_.empty()) story.steps.push_back(read_step());
    file_.runs.push_back(std::move(story));
  }

  RunStep read_step() const {
    const auto [time_text, after_time] = cut(line_);
    const auto [what, rest] = cut(after_time);
    RunStep step;
    step.time = time(time_text);
    if (what == "start" || what == "finish") {
      step.what = what == "start" ? RunStep::What::start : RunStep::What::finish;
    } else if (what == "test") {
      step.what = RunStep::What::test;
      std::string more;
      std::tie(step.node_id, more) = cut(rest);
      std::tie(step.test, step.worker) = cut(more);
    } else if (what == "end") {
      step.what = RunStep::What::end;
      step.test = rest;
    } else {
      fail("expected start, test, end or finish");
    }
    return step;
  }

  void read_ask(const std::string& kind, const std::string& text) {
    Ask ask;
    ask.kind = kind == "query" ? AskKind::query : kind == "count" ? AskKind::count : AskKind::error;
    ask.file_line = number_;
    ask.text = text;
    while (next() && line_ != "----") {
      const auto [word, rest] = cut(line_);
      if (word != "from" && word != "to") fail("expected from, to or ----");
      (word == "from" ? ask.from : ask.to) = time(rest);
    }
    while (next() && !line_.empty()) ask.expected.push_back(line_);
    file_.asks.push_back(std::move(ask));
  }

  std::string path_;
  std::ifstream in_;
  std::string line_;
  std::size_t number_ = 0;
  LogicFile file_;
};

}  // namespace

LogicFile read_logic_file(const std::string& path) {
  return Reader(path).read();
}

}  // namespace telltale::logic
