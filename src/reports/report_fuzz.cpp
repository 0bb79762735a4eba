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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using reports::ReportFormat;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  const auto hostile = reports::testing::with_text(reports::testing::sample_run(), text);
  const auto plain = reports::testing::with_text(reports::testing::sample_run(), "x");
  for (const auto format : {ReportFormat::text, ReportFormat::markdown, ReportFormat::junit, ReportFormat::ctrf, ReportFormat::json}) {
    check_text(reports::render(hostile, format));
  }
  TT_ASSERT(count(reports::render_text(hostile), '\n') == count(reports::render_text(plain), '\n'), "text adds no lines");
  TT_ASSERT(tags_of(reports::render_junit(hostile)) == tags_of(reports::render_junit(plain)), "text adds no markup");
  const std::string markdown = reports::render_markdown(hostile);
  TT_ASSERT(count(markdown, '\n') == count(reports::render_markdown(plain), '\n'), "text adds no lines");
  TT_ASSERT(dividers(markdown) == dividers(reports::render_markdown(plain)), "text adds no cells");
  TT_ASSERT(is_json(reports::render_ctrf(hostile)) && is_json(reports::render_json(hostile)), "JSON is JSON");
  return 0;
}
