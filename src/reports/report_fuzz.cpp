// Reports with any text in them: the document's structure never depends on the text.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/text.h"
#include "record/json_check.h"
#include "reports/render.h"
#include "reports/testing/samples.h"

using namespace telltale;

namespace {

// What stands between "<" and the next space or ">", for each "<".
std::string tags_of(std::string_view xml) {
  std::string tags;
  for (std::size_t at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at + 1)) {
    const std::size_t end = xml.find_first_of(" >", at);
    TT_ASSERT(end != std::string_view::npos, "each tag ends");
    tags += xml.substr(at, end - at);
  }
  return tags;
}

std::size_t count(std::string_view text, char what) {
  std::size_t found = 0;
  for (const char c : text) found += c == what ? 1 : 0;
  return found;
}

// Pipes that divide cells: those with an even number of backslashes before them.
std::size_t dividers(std::string_view text) {
  std::size_t found = 0;
  std::size_t backslashes = 0;
  for (const char c : text) {
    if (c == '|' && backslashes % 2 == 0) ++found;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return found;
}

// JSON text holds line ends only between its values.
bool is_json(std::string text) {
  std::erase(text, '\n');
  return record::is_json_line(text);
}

void check_text(const std::string& text) {
  TT_ASSERT(base::is_valid_utf8(text), "a report is valid UTF-8");
  for (const char c : text)
    TT_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t', "a report has no control characters");
}

// Each form once: rendering is most of an input's time.
struct Rendered {
  explicit Rendered(const reports::RunReport& report)
      : text(reports::render_text(report)),
        markdown(reports::render_markdown(report)),
        junit(reports::render_junit(report)),
        ctrf(reports::render_ctrf(report)),
        json(reports::render_json(report)) {}
  std::string text;
  std::string markdown;
  std::string junit;
  std::string ctrf;
  std::string json;
};

// What no text may change.
struct Structure {
  explicit Structure(const Rendered& rendered)
      : text_lines(count(rendered.text, '\n')),
        tags(tags_of(rendered.junit)),
        markdown_lines(count(rendered.markdown, '\n')),
        cells(dividers(rendered.markdown)) {}
  std::size_t text_lines;
  std::string tags;
  std::size_t markdown_lines;
  std::size_t cells;
};

// One test of each form that text takes: failed with phases, two attempts, skipped, with an error.
reports::RunReport small_sample() {
  reports::RunReport report = reports::testing::sample_run();
  std::erase_if(report.tests, [](const auto& test) { return test.outcome == "crashed" || test.outcome == "xfailed"; });
  report.tests.erase(report.tests.begin());
  return report;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto sample = small_sample();
  static const Structure expected(Rendered(reports::testing::with_text(sample, "x")));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  const Rendered hostile(reports::testing::with_text(sample, text));
  for (const std::string* form : {&hostile.text, &hostile.markdown, &hostile.junit, &hostile.ctrf, &hostile.json}) check_text(*form);
  const Structure structure(hostile);
  TT_ASSERT(structure.text_lines == expected.text_lines && structure.markdown_lines == expected.markdown_lines, "text adds no lines");
  TT_ASSERT(structure.tags == expected.tags, "text adds no markup");
  TT_ASSERT(structure.cells == expected.cells, "text adds no cells");
  TT_ASSERT(is_json(hostile.ctrf) && is_json(hostile.json), "JSON is JSON");
  return 0;
}
