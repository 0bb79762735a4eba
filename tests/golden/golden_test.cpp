// NAME.log and what the pipeline makes of it, NAME.records. `tools/golden/update.py` shows what changed and writes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "render.h"

namespace telltale::golden {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> logs() {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(GOLDEN_FOLDER)) {
    if (entry.path().extension() == ".log") names.push_back(fs::relative(entry.path(), GOLDEN_FOLDER).replace_extension().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string line_at(const std::string& text, std::size_t offset) {
  const std::size_t begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
  return text.substr(begin, text.find('\n', offset) - begin);
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, RecordsAreAsKept) {
  const fs::path log = fs::path(GOLDEN_FOLDER) / (GetParam() + ".log");
  const fs::path kept = fs::path(log).replace_extension(".records");
  const std::string bytes = read_file(log);
  const auto batches = run_pipeline(bytes);
  const std::string made = render(batches);
  if (std::getenv("TELLTALE_GOLDEN_UPDATE") != nullptr) std::ofstream(kept, std::ios::binary) << made;
  const std::string expected = read_file(kept);
  const auto differ = std::ranges::mismatch(made, expected);
  EXPECT_EQ(made, expected) << "first at: " << line_at(made, static_cast<std::size_t>(differ.in1 - made.begin()));
  std::uint64_t lines = 0;
  for (const auto& batch : batches) {
    for (const auto& record : batch.records) lines += record.source_lines;
  }
  EXPECT_EQ(lines, static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'))) << "every source line is in one record";
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Logs, Golden, testing::ValuesIn(logs()), test_name);

}  // namespace
}  // namespace telltale::golden
