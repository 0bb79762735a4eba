// Random histories of log files against the law: each line once, or inside a gap.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

// One file that a program writes to with everything that can happen to it. Weights follow the idea of Vector's
// file_watcher experiments: mostly writes, some rotation, few deletions and kills.
class History {
 public:
  explicit History(unsigned seed) : random_(seed) {
    t_.options.block_bytes = 64 + random_() % 200;
    t_.watch(random_() % 2 == 0 ? "app.log" : "app.log*");
    t_.start();
  }

  void run(int steps) {
    // What was rotated away before the first look is nobody's loss.
    append(next_line());
    t_.settle();
    for (int i = 0; i < steps; ++i) step();
    finish_line();
    t_.settle();
    t_.wait_for_writers();
  }
  testing::TailHarness& harness() { return t_; }
  const std::vector<std::string>& written() const { return written_; }
  std::string story;

 private:
  void step() {
    const unsigned dice = random_() % 100;
    if (dice < 45)
      write();
    else if (dice < 60)
      t_.settle(), story += "settle ";
    else if (dice < 70)
      t_.read(), story += "read ";
    else if (dice < 75)
      t_.store.commit(random_() % 3, *t_.commits), story += "commit ";
    else if (dice < 85)
      rotate();
    else if (dice < 90)
      copy_truncate(true);
    else if (dice < 93)
      copy_truncate(false);
    else if (dice < 96)
      t_.kill_and_start(), story += "kill ";
    else
      recreate();
  }
  std::string next_line() {
    written_.push_back("line " + std::to_string(written_.size()) + std::string(random_() % 90, '.'));
    return written_.back() + "\n";
  }
  void write() {
    std::string text;
    for (unsigned n = random_() % 6; n > 0; --n) text += next_line();
    story += "write ";
    append(text);
    if (random_() % 4 == 0) {
      const std::string line = next_line();
      const std::size_t cut = 1 + random_() % (line.size() - 1);
      append(line.substr(0, cut));
      rest_ = line.substr(cut);
    }
  }
  void append(const std::string& text) {
    t_.append("app.log", rest_ + text);
    rest_.clear();
  }
  void finish_line() { append(""); }
  void shift() {
    for (int i = 8; i > 0; --i) {
      const std::string from = "app.log." + std::to_string(i);
      if (!std::filesystem::exists(t_.path(from))) continue;
      if (i < 8) t_.rename(from, "app.log." + std::to_string(i + 1));
    }
  }
  bool exists() { return std::filesystem::exists(t_.path("app.log")); }
  void rotate() {
    finish_line();
    story += "rotate ";
    shift();
    // The oldest is removed by the next shift: all must be seen before.
    if (std::filesystem::exists(t_.path("app.log.8"))) {
      t_.settle();
      t_.wait_for_writers();
      t_.remove("app.log.8");
    }
    t_.rename("app.log", "app.log.1");
    if (random_() % 2 == 0) append(next_line());
  }
  void copy_truncate(bool read_first) {
    finish_line();
    if (read_first) t_.settle();
    story += read_first ? "copytruncate-read " : "copytruncate ";
    shift();
    if (std::filesystem::exists(t_.path("app.log.8"))) t_.remove("app.log.8");
    t_.copy("app.log", "app.log.1");
    t_.truncate("app.log");
  }
  void recreate() {
    finish_line();
    t_.settle();
    story += "recreate ";
    if (exists()) t_.remove("app.log");
    append(next_line());
  }

  testing::TailHarness t_;
  std::mt19937 random_;
  std::string rest_;  // of a line that was begun
  std::vector<std::string> written_;
};

TEST(TailerModel, EachLineOnce) {
  const char* rounds = std::getenv("TELLTALE_MODEL_ROUNDS");
  const char* first = std::getenv("TELLTALE_MODEL_SEED");
  const unsigned from = first != nullptr ? static_cast<unsigned>(std::atoi(first)) : 1;
  const unsigned to = from + (rounds != nullptr ? static_cast<unsigned>(std::atoi(rounds)) : 60);
  for (unsigned seed = from; seed < to; ++seed) {
    History history(seed);
    history.run(60);
    std::map<std::string, int> seen;
    for (const auto& line : history.harness().store.lines) ++seen[line.text];
    for (const auto& line : history.written()) {
      ASSERT_EQ(seen[line], 1) << "seed " << seed << ", line '" << line.substr(0, 12) << "', history: " << history.story;
      seen.erase(line);
    }
    ASSERT_TRUE(seen.empty()) << "seed " << seed << ": '" << seen.begin()->first << "' was never written";
    ASSERT_TRUE(history.harness().store.gaps.empty())
        << "seed " << seed << ": " << history.harness().store.gaps[0].gap.detail << " from byte "
        << history.harness().store.gaps[0].gap.range->from << ", history: " << history.story;
    ASSERT_FALSE(history.harness().store.gap_overtook_data);
  }
}

}  // namespace
}  // namespace telltale::sources
