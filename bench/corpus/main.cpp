// telltale_corpus --lines N --seed S --out FILE [--streams K]: writes the corpus; with K > 1 its lines go to FILE-0001 … in bursts.
// telltale_corpus --lines N --seed S --verify FOLDER: checks that the store in FOLDER holds it: each line once, unchanged, no secret.
// Exit: 0 good, 1 a file or the store cannot be used, 2 wrong usage, 3 the store does not hold the corpus.
#include <cstdio>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "corpus/corpus.h"
#include "corpus/verify.h"

namespace telltale::bench {
namespace {

constexpr std::size_t buffer_bytes = 1 << 18;

struct Options {
  std::uint64_t lines = 1'000'000;
  std::uint64_t seed = 1;
  std::size_t streams = 1;
  std::string out;
  std::string verify;
};

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// One output file; lines of a burst stay together.
struct Output {
  std::unique_ptr<std::FILE, Close> file;
  std::string text;
  bool flush() {
    const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    text.clear();
    return written;
  }
};

std::string path_of(const Options& options, std::size_t stream) {
  return options.streams == 1 ? options.out : fmt::format("{}-{:04}", options.out, stream + 1);
}

int write(const Options& options) {
  std::vector<Output> outputs(options.streams);
  for (std::size_t i = 0; i < options.streams; ++i) {
    outputs[i].file.reset(std::fopen(path_of(options, i).c_str(), "wb"));
    if (!outputs[i].file) {
      std::perror(path_of(options, i).c_str());
      return 1;
    }
  }
  Corpus corpus(options.seed);
  Dice dice(options.seed + 1);
  std::size_t stream = 0;
  bool good = true;
  for (std::uint64_t i = 0; i < options.lines && good; ++i) {
    if (options.streams > 1 && dice.below(8) == 0) stream = dice.below(options.streams);
    corpus.append_line(outputs[stream].text);
    if (outputs[stream].text.size() >= buffer_bytes) good = outputs[stream].flush();
  }
  for (Output& output : outputs) good = output.flush() && std::fclose(output.file.release()) == 0 && good;
  if (!good) std::perror(options.out.c_str());
  return good ? 0 : 1;
}

int verify(const Options& options) {
  const auto verdict = verify_store(options.verify, options.seed, options.lines);
  if (!verdict) {
    fmt::print(stderr, "{}\n", verdict.error().message());
    return 1;
  }
  fmt::print("{} of {} lines, {} missing, {} repeated, {} changed, {} redacted, {} of {} secrets leaked: {}\n", verdict->lines,
             options.lines, verdict->missing, verdict->repeated, verdict->changed, verdict->redacted, verdict->leaked, verdict->secrets,
             verdict->good() ? "complete" : "NOT COMPLETE");
  return verdict->good() ? 0 : 3;
}

}  // namespace
}  // namespace telltale::bench

int main(int argc, char** argv) {
  telltale::bench::Options options;
  CLI::App app("Writes the benchmark corpus, or verifies that a store holds it.");
  app.add_option("--lines", options.lines, "number of lines")->check(CLI::Range(1, 1'000'000'000));
  app.add_option("--seed", options.seed, "what the lines are made from");
  app.add_option("--streams", options.streams, "number of files")->check(CLI::Range(1, 9'999));
  auto* const out = app.add_option("--out", options.out, "file to write");
  app.add_option("--verify", options.verify, "data folder of a store to check instead")->excludes(out);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.out.empty() == options.verify.empty()) {
    std::fputs("one of --out FILE and --verify FOLDER is needed\n", stderr);
    return 2;
  }
  return options.verify.empty() ? telltale::bench::write(options) : telltale::bench::verify(options);
}
