// Sources that come and go: what is there is begun at its end, what comes up later at its beginning, nothing twice, nothing lost.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TailerSources : public ::testing::Test, public testing::TailHarness {
 protected:
  config::FileSource passing(std::string_view pattern, std::string_view name = "a", std::string_view start = "end") {
    config::FileSource added;
    added.name = std::string(passing_source_prefix) + std::string(name);
    added.paths = {path(pattern)};
    added.start = start;
    return added;
  }
  std::size_t add(std::string_view pattern, std::string_view name = "a", bool resume = false) {
    const auto slot = tailer->add_source(passing(pattern, name), resume);
    EXPECT_TRUE(slot.has_value());
    return slot.value_or(0);
  }
  std::vector<std::string> position_keys() const {
    std::vector<std::string> keys;
    for (const auto& position : store.positions()) keys.push_back(position.key);
    return keys;
  }
};

TEST_F(TailerSources, WhatIsThereIsBegunAtItsEndWhatComesLaterAtItsBeginning) {
  start();
  settle();
  append("old.log", "before\n");
  const auto slot = add("*.log");
  EXPECT_FALSE(tailer->is_effective(slot));
  settle();
  EXPECT_TRUE(tailer->is_effective(slot));
  append("old.log", "during\n");
  append("new.log", "first\n");
  settle();
  EXPECT_THAT(store.texts(), ::testing::UnorderedElementsAre("during", "first"));
}

TEST_F(TailerSources, BegunAtTheBeginningWhereItSaysSo) {
  start();
  append("old.log", "before\n");
  ASSERT_TRUE(tailer->add_source(passing("*.log", "a", "beginning"), false));
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("before"));
}

TEST_F(TailerSources, AFileThatIsFollowedAnywayGoesOnAsItWas) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  const auto slot = add("*.log");
  settle();
  append("app.log", "three\n");
  tailer->remove_source(slot);
  settle();
  append("app.log", "four\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three", "four"));
  kill_and_start();
  settle();
  EXPECT_THAT(store.texts(), SizeIs(4));
}

TEST_F(TailerSources, AnotherSourceThatFindsTheFileGoesOnWithIt) {
  start();
  append("app.log", "before\n");
  const auto first = add("app.log", "a");
  settle();
  add("*.log", "b");
  append("app.log", "one\n");
  tailer->remove_source(first);
  append("app.log", "two\n");
  settle();
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerSources, WhatWasThereWhenItWasRemovedIsReadThenItIsForgotten) {
  start();
  const auto slot = add("*.log");
  settle();
  append("app.log", "one\ntwo\n");
  settle();
  EXPECT_THAT(position_keys(), SizeIs(2)) << "the file's, and the note of the first look";
  append("app.log", "three\n");
  tailer->remove_source(slot);
  settle();
  append("app.log", "after\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three"));
  EXPECT_THAT(position_keys(), IsEmpty());
  EXPECT_EQ(tailer->streams(), 0u);
}

TEST_F(TailerSources, RemovedAndAddedAgainAtOnceItJustGoesOn) {
  start();
  const auto slot = add("*.log");
  settle();
  append("app.log", "one\n");
  tailer->remove_source(slot);
  EXPECT_EQ(add("*.log"), slot);
  append("app.log", "two\n");
  settle();
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerSources, AddedAgainLaterItBeginsAtTheEndAgain) {
  start();
  tailer->remove_source((settle(), add("*.log")));
  const auto slot = add("*.log");
  append("app.log", "one\n");
  settle();
  tailer->remove_source(slot);
  settle();
  append("app.log", "between\n");
  add("*.log");
  settle();
  append("app.log", "two\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("two"));
}

TEST_F(TailerSources, AddedAgainWhileItsPositionCannotBeRemovedItWaitsForThat) {
  start();
  const auto slot = add("*.log");
  settle();
  append("app.log", "one\n");
  settle();
  store.room = 0;
  tailer->remove_source(slot);
  read();
  append("app.log", "two\n");
  EXPECT_EQ(add("*.log"), slot);
  tailer->scan(true);
  EXPECT_FALSE(tailer->is_effective(slot));
  store.room = -1;
  for (auto& callback : std::exchange(store.waiting, {})) callback();
  settle();
  EXPECT_TRUE(tailer->is_effective(slot));
  append("app.log", "three\n");
  settle();
  const auto texts = store.texts();
  EXPECT_EQ(std::ranges::count(texts, "one"), 1);
  EXPECT_EQ(std::ranges::count(texts, "three"), 1);
}

TEST_F(TailerSources, AfterAKillItGoesOnWhereItWas) {
  start();
  append("app.log", "before\n");
  add("*.log");
  settle();
  append("app.log", "one\n");
  settle();
  append("app.log", "two\n");
  kill_and_start();
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one")) << "nobody asked yet";
  append("new.log", "three\n");
  add("*.log", "a", true);
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three")) << "new.log came up while it was watched";
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerSources, AfterAKillAndARotationItGoesOnWhereItWas) {
  start();
  add("*.log");
  settle();
  append("app.log", "one\n");
  settle();
  append("app.log", "two\n");
  kill_and_start();
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  add("*.log", "a", true);
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerSources, AfterAKillSomebodyNewBeginsAtTheEnd) {
  start();
  add("*.log");
  settle();
  append("app.log", "one\n");
  settle();
  append("app.log", "two\n");
  kill_and_start();
  add("*.log", "a", false);
  settle();
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "three"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerSources, WhatAKilledEngineLeftIsForgottenWithItsSource) {
  start();
  add("*.log");
  settle();
  append("app.log", "one\n");
  settle();
  kill_and_start();
  remove("app.log");
  tailer->remove_source(add("*.log", "a", true));
  settle();
  EXPECT_THAT(position_keys(), IsEmpty());
}

TEST_F(TailerSources, ThePositionOfALastingSourceOutlivesAPassingOne) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  const auto lasting = std::exchange(source, {});
  kill_and_start();  // another engine, without it
  append("app.log", "two\n");
  const auto slot = add("*.log");
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two")) << "the store has followed this file: it goes on";
  append("app.log", "three\n");
  tailer->remove_source(slot);
  settle();
  append("app.log", "four\n");
  tailer->remove_source(add("*.log", "b"));
  settle();
  append("app.log", "five\n");
  source = lasting;
  kill_and_start();
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one", "two", "three", "four", "five"));
}

TEST_F(TailerSources, AFileThatCannotBeReadAnyMoreIsLetGoToo) {
  options.max_open_files = 1;
  start();
  const auto slot = add("*.log");
  settle();
  append("a.log", "one\n");
  append("b.log", "one\n");
  settle();
  remove("a.log");
  remove("b.log");
  tailer->remove_source(slot);
  settle();
  wait_for_writers();
  EXPECT_EQ(tailer->streams(), 0u);
  EXPECT_THAT(position_keys(), IsEmpty());
}

TEST_F(TailerSources, NumbersAreUsedAgain) {
  start();
  std::size_t highest = 0;
  for (int i = 0; i < 50; ++i) {
    const auto slot = add("*.log", std::to_string(i));
    settle();
    append("app.log", std::to_string(i) + "\n");
    settle();
    tailer->remove_source(slot);
    settle();
    highest = std::max(highest, slot);
  }
  EXPECT_LE(highest, 2u);
  EXPECT_THAT(store.texts(), SizeIs(50));
}

TEST_F(TailerSources, AWrongPatternChangesNothing) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  EXPECT_EQ(tailer->add_source(passing("a**b/*.log"), false).error().code, base::ErrorCode::source_invalid);
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("one"));
}

// Random comings and goings of sources that find one file, of which one is always there: each line once.
class Comings {
 public:
  explicit Comings(unsigned seed) : random_(seed) {
    if (random_() % 2 == 0) t_.watch("app.log");
    t_.append("app.log", "before\n");
    t_.start();
    t_.settle();
    come(0);
    t_.settle();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    t_.settle();
    t_.wait_for_writers();
  }
  testing::TailHarness& harness() { return t_; }
  const std::vector<std::string>& written() const { return written_; }
  std::string story;

 private:
  static constexpr std::array<const char*, 3> patterns = {"app.log", "*.log", "app.log*"};

  void step() {
    const unsigned dice = random_() % 100;
    const unsigned which = random_() % 3;
    if (dice < 40)
      write();
    else if (dice < 55)
      t_.settle(), story += "settle ";
    else if (dice < 60)
      t_.read(), story += "read ";
    else if (dice < 75)
      come(which);
    else if (dice < 90)
      go(which);
    else if (dice < 96)
      rotate();
    else
      kill();
  }
  void write() {
    story += "write ";
    for (unsigned n = random_() % 4; n > 0; --n) {
      written_.push_back("line " + std::to_string(written_.size()));
      t_.append("app.log", written_.back() + "\n");
    }
  }
  void add(unsigned which, bool resume) {
    config::FileSource source;
    source.name = std::string(passing_source_prefix) + std::to_string(which);
    source.paths = {t_.path(patterns[which])};
    source.start = "end";
    slots_[which] = t_.tailer->add_source(source, resume).value();
  }
  void come(unsigned which) {
    if (slots_.contains(which)) return;
    story += "come" + std::to_string(which) + " ";
    add(which, false);
  }
  void go(unsigned which) {
    if (!slots_.contains(which) || slots_.size() == 1) return;
    story += "go" + std::to_string(which) + " ";
    t_.tailer->remove_source(slots_[which]);
    slots_.erase(which);
  }
  void rotate() {
    t_.settle();
    t_.wait_for_writers();
    story += "rotate ";
    t_.rename("app.log", "app.log.1");
    t_.append("app.log", "");
    if (random_() % 2 == 0) t_.settle();
  }
  void kill() {
    t_.read();
    t_.store.commit(random_() % 10, *t_.commits);
    story += "kill ";
    t_.kill_and_start();
    for (auto& [which, slot] : slots_) add(which, true);
    if (random_() % 2 == 0) t_.settle();
  }

  testing::TailHarness t_;
  std::mt19937 random_;
  std::map<unsigned, std::size_t> slots_;
  std::vector<std::string> written_;
};

TEST(TailerSourcesModel, EachLineOnce) {
  const char* rounds = std::getenv("TELLTALE_MODEL_ROUNDS");
  const unsigned to = 1 + (rounds != nullptr ? static_cast<unsigned>(std::atoi(rounds)) : 60);
  for (unsigned seed = 1; seed < to; ++seed) {
    Comings comings(seed);
    comings.run(60);
    std::map<std::string, int> seen;
    for (const auto& line : comings.harness().store.lines) ++seen[line.text];
    for (const auto& line : comings.written())
      ASSERT_EQ(seen[line], 1) << "seed " << seed << ", line '" << line << "', history: " << comings.story;
    ASSERT_LE(seen["before"], 1) << "seed " << seed;
    ASSERT_TRUE(comings.harness().store.gaps.empty()) << "seed " << seed << ", history: " << comings.story;
  }
}

}  // namespace
}  // namespace telltale::sources
