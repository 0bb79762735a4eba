// Names and lines of runs' files from any text: nothing leads out of the folder, nothing steers who reads.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/testing/memory_files.h"
#include "base/text.h"
#include "runs/files/line_format.h"
#include "runs/files/names.h"
#include "runs/files/output_folder.h"
#include "runs/files/test_header.h"

using namespace telltale;

namespace {

const base::FixedTimeZone utc(0);

void check_name(std::string_view name, std::size_t limit) {
  TT_ASSERT(!name.empty() && name.size() <= limit && name[0] != '.' && name[0] != '-', "a name is a plain one");
  TT_ASSERT(name.find('/') == std::string_view::npos && base::to_printable(name) == name, "a name leads nowhere");
}

void check_names(std::string_view text) {
  check_name(runs::safe_name(text, 100), 100);
  TT_ASSERT(runs::safe_name(runs::safe_name(text, 100), 100) == runs::safe_name(text, 100), "a safe name stays");
  for (const auto kind : {runs::ServiceFile::realtime, runs::ServiceFile::errors}) {
    const std::string name = runs::service_file_name(text, kind);
    check_name(name, 200);
    TT_ASSERT(runs::is_service_file(name), "services' files are known");
    const std::string rotated = runs::rotated_name(name, 0, utc);
    TT_ASSERT(!runs::is_service_file(rotated) && name.starts_with(runs::name_before_rotation(rotated)), "rotated files are known");
  }
  for (const std::string& stem : runs::test_stems(text, "00000000000000aa")) {
    check_name(runs::test_file_name(stem, runs::TestFile::errors), 240);
    TT_ASSERT(!base::to_lower(stem).ends_with("_errors"), "no test has the name of another's file of errors");
  }
}

void check_line(std::string_view text) {
  record::Batch batch;
  batch.stream = record::make_stream(record::Labels({{"service", std::string(text)}, {"pod", std::string(text)}}));
  batch.text = text;
  record::Record record;
  record.line = {0, static_cast<std::uint32_t>(text.size())};
  runs::FormattedLine line;
  line.assign({&batch, &record, 1}, {text, runs::instance_of(*batch.stream), 0}, utc);
  std::string out;
  line.append_to(out, true);
  TT_ASSERT(out.starts_with("[1970-01-01 00:00:00.000] [") && out.ends_with('\n'), "a line has its prefix and its end");
  TT_ASSERT(base::is_valid_utf8(out), "a file is valid UTF-8");
  std::string without_ends = out;
  std::erase(without_ends, '\n');
  TT_ASSERT(base::to_printable(without_ends) == without_ends, "nothing steers the reader");
  const auto ends = [](std::string_view in) { return std::count(in.begin(), in.end(), '\n'); };
  TT_ASSERT(ends(out) <= ends(text) + 1, "a line has no more ends than its record");
}

void check_mark(std::string_view text) {
  base::testing::MemoryFiles files;
  files.put("/logs/.telltale-run", text);
  const bool proved = runs::OutputFolder(files, "run-1", {"/logs", "n0nce"}).check().has_value();
  TT_ASSERT(!proved || (text.find("run-1") != std::string_view::npos && text.find("n0nce") != std::string_view::npos),
            "a mark is read as it is");
  if (const auto checked = runs::OutputFolder(files, "run-1", {std::string(text), "n0nce"}).check(); checked) {
    TT_ASSERT(text == "/logs", "no other folder is the run's");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_names(text);
  check_line(text);
  check_mark(text);
  static_cast<void>(runs::is_header_of(text, "00000000000000aa"));
  return 0;
}
