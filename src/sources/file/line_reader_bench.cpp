// How fast files are cut into blocks of lines, without pipeline and store.
#include <filesystem>
#include <fstream>

#include <benchmark/benchmark.h>

#include "base/testing/temp_directory.h"
#include "sources/file/line_reader.h"

namespace telltale::sources {
namespace {

constexpr std::size_t lines = 1'000'000;

// Mean 138 bytes a line, as the mixed corpus has.
void read_whole_file(benchmark::State& state) {
  base::testing::TempDirectory folder;
  std::uint64_t size = 0;
  {
    std::ofstream out(folder.path("app.log"));
    for (std::size_t i = 0; i < lines; ++i) out << std::string(100 + i % 75, static_cast<char>('a' + i % 26)) << '\n';
    size = static_cast<std::uint64_t>(out.tellp());
  }
  base::PosixFiles files;
  const ReadLimits limits{static_cast<std::uint64_t>(state.range(0)), 1024 * 1024};
  for (auto _ : state) {
    auto file = *files.open_read(folder.path("app.log"));
    LineReader reader;
    LineBlock block;
    std::uint64_t seen = 0;
    while (*reader.read(*file, limits, false, block) == ReadStep::block) {
      seen += block.lines;
      reader.accept(block, reader.head_with(block));
    }
    if (seen != lines) state.SkipWithError("lines are missing");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(lines) * state.iterations());
}
BENCHMARK(read_whole_file)->Arg(64 * 1024)->Arg(256 * 1024)->Arg(1024 * 1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace telltale::sources
