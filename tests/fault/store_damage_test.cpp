// Damage of every kind at many places: verify finds each, nothing that can be read is lost, what is lost is one gap, and the store lives.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "record/gap.h"
#include "store/engine/testing/test_store.h"
#include "telemetry/log.h"
#include "tests/fault/planted_damage.h"

namespace telltale::testing {
namespace {

using base::nanos_per_second;
using base::testing::MemoryFiles;
using record::Gap;
using store::Sequence;
using store::StoreOptions;
using store::testing::position_of;
using store::testing::test_batch;
using store::testing::test_stream;
using store::testing::TestStore;

const std::vector<std::string> services = {"api", "web", "db"};

StoreOptions options_in(const std::string& folder) {
  StoreOptions options;
  options.folder = folder;
  options.segment_bytes = 4000;
  options.compress = false;
  return options;
}

// One store's files as `kill -9` leaves them: several lives, several segments, the last two frames not durable.
using Image = std::map<std::string, std::string>;

Image take_image(MemoryFiles& disk, const std::string& folder) {
  Image image;
  image[folder + "/store.id"] = disk.get(folder + "/store.id");
  for (const std::string& name : *disk.list(folder + "/segments"))
    image[folder + "/segments/" + name] = disk.get(folder + "/segments/" + name);
  return image;
}

Image make_store(const std::string& folder, std::uint8_t skipped) {
  MemoryFiles disk;
  std::uint64_t line = 1;
  const auto fill = [&](TestStore& store, int batches) {
    for (int i = 0; i < batches; ++i) {
      store.clock.advance(nanos_per_second / 4);
      store.push(test_batch(test_stream(services[line % services.size()]), line, 2, store.clock.wall(), 150));
      line += 2;
      EXPECT_TRUE(store.engine->flush(true, 0));
    }
    store.clock.advance(2 * nanos_per_second);
    store.engine->pump();
  };
  for (int life = 0; life < 3; ++life) {
    TestStore store(disk, options_in(folder));
    std::vector<std::uint8_t> bytes(skipped);
    store.random.fill(bytes);  // another store has another id
    EXPECT_TRUE(store.open());
    fill(store, 14);
    if (life < 2) {
      EXPECT_TRUE(store.engine->close());
      continue;
    }
    for (int i = 0; i < 2; ++i) {
      store.push(test_batch(test_stream("api"), line, 1, store.clock.wall(), 150));
      ++line;
      EXPECT_TRUE(store.engine->flush(false, 0));
    }
    return take_image(disk, folder);
  }
  return {};
}

struct Found {
  std::set<std::string> lines;
  std::map<std::string, Sequence> sequences;
  std::vector<Gap> gaps;
};

Found read_all(const store::StoreReader& reader) {
  Found found;
  const auto status = reader.scan({}, {}, [&](const record::CommittedBatchRef& batch) {
    for (std::size_t i = 0; i < batch->batch.records.size(); ++i) {
      const record::Record& record = batch->batch.records[i];
      if (auto gap = record::read_gap(batch->batch, record)) {
        found.gaps.push_back(std::move(*gap));
        continue;
      }
      const std::string line(batch->batch.line(record));
      EXPECT_TRUE(found.lines.insert(line).second) << line << " is there twice";
      found.sequences[line] = batch->first_sequence + i;
    }
    return store::ScanStep::go_on;
  });
  EXPECT_TRUE(status) << status.error().message();
  return found;
}

std::uint64_t number_of(const std::string& line) {
  return std::stoull(line.substr(line.find(" line ") + 6));
}

class PlantedDamage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    telemetry::set_log_level(telemetry::LogLevel::off);
    ours_ = make_store("data", 0);
    other_ = make_store("other", 7);
  }

  void restore() {
    disk = std::make_unique<MemoryFiles>();
    for (const Image* image : {&ours_, &other_}) {
      for (const auto& [path, text] : *image) disk->put(path, text);
    }
  }

  std::vector<store::VerifyProblem> problems() {
    auto report = store::verify(*disk, "data", 0);
    EXPECT_TRUE(report) << report.error().message();
    if (!report) return {};
    if (tell_) EXPECT_TRUE(store::tell_engine(*disk, "data", *report));
    return report->problems;
  }

  // Each problem lies where something was planted, and each planted thing is met by exactly one.
  static void compare(const std::vector<store::VerifyProblem>& problems, const std::vector<Planted>& planted, const std::string& about) {
    const auto meets = [](const store::VerifyProblem& problem, const Planted& damage) {
      return problem.segment == damage.segment && problem.offset == damage.from && problem.offset + problem.bytes == damage.to;
    };
    EXPECT_EQ(problems.size(), planted.size()) << about;
    for (const store::VerifyProblem& problem : problems) {
      EXPECT_EQ(std::ranges::count_if(planted, [&](const Planted& damage) { return meets(problem, damage); }), 1)
          << about << ": verify invents " << problem.segment << " " << problem.offset << "+" << problem.bytes << " " << problem.what;
    }
    for (const Planted& damage : planted) {
      EXPECT_EQ(std::ranges::count_if(problems, [&](const store::VerifyProblem& problem) { return meets(problem, damage); }), 1)
          << about << ": verify misses " << damage.about;
    }
  }

  // Opens the store, reads it so that it notices, and looks at what it has and says then.
  Found live(const std::string& about) {
    TestStore store(*disk, options_in("data"));
    if (auto opened = store.open(); !opened) {
      ADD_FAILURE() << about << ": " << opened.error().message();
      return {};
    }
    if (!tell_) static_cast<void>(read_all(*store.engine));
    store.engine->look();
    EXPECT_TRUE(store.engine->flush(true, 0)) << about;
    positions_.clear();
    for (const std::string& service : services) {
      const std::string position = position_of(*store.engine, service);
      positions_[service] = position.empty() ? 1 : std::stoull(position);
    }
    Found found = read_all(*store.engine);
    EXPECT_TRUE(store.engine->close()) << about;
    return found;
  }

  void check_losses(const Planted& damage, const Found& found, const std::string& about) const {
    const std::set<std::string> lost(damage.lost.begin(), damage.lost.end());
    bool told = false;
    for (const auto& [line, sequence] : whole_.sequences) {
      if (found.lines.contains(line)) continue;
      const std::string service = line.substr(0, line.find(' '));
      if (number_of(line) >= positions_.at(service)) continue;  // its source sends it again
      EXPECT_TRUE(lost.contains(line)) << about << ": " << line << " could be read";
      told = true;
      const bool within = !found.gaps.empty() && found.gaps[0].sequences && found.gaps[0].sequences->from <= sequence &&
                          sequence <= found.gaps[0].sequences->to;
      EXPECT_TRUE(within) << about << ": " << line << " (" << sequence << ") is outside of the gap";
    }
    EXPECT_EQ(found.lines.size() + lost.size() >= whole_.lines.size(), true) << about;
    const std::size_t least = told ? 1 : 0;
    const std::size_t most = lost.empty() ? 0 : 1;
    EXPECT_GE(found.gaps.size(), least) << about;
    EXPECT_LE(found.gaps.size(), most) << about << ": " << (found.gaps.empty() ? "" : found.gaps[0].detail);
  }

  void round(DamageKind kind, std::uint64_t seed) {
    restore();
    std::mt19937_64 random(seed * damage_kinds + static_cast<std::uint64_t>(kind));
    tell_ = seed % 2 == 1;
    const Planted damage = plant(*disk, "data", "other", frames_, kind, random);
    const std::string about = fmt::format("seed {}: {}", seed, damage.about);
    compare(problems(), {damage}, about);
    const Found first = live(about);
    check_losses(damage, first, about);
    const Found again = live(about + ", a second time");
    EXPECT_EQ(again.gaps.size(), first.gaps.size()) << about << ": a gap is told once";
    EXPECT_EQ(again.lines, first.lines) << about;
    const Found third = live(about + ", a third time");
    EXPECT_EQ(third.gaps.size(), first.gaps.size()) << about << ": a gap is told once";
  }

  void SetUp() override {
    restore();
    ASSERT_THAT(store::verify(*disk, "data", 0)->problems, ::testing::IsEmpty());
    frames_ = frames_of(*disk, "data");
    auto reader = store::open_read_only(*disk, "data");
    ASSERT_TRUE(reader);
    whole_ = read_all(**reader);
    ASSERT_THAT(whole_.gaps, ::testing::IsEmpty());
    ASSERT_EQ(whole_.lines.size(), 86u);
  }

  static std::uint64_t rounds() { return std::getenv("TELLTALE_FULL") != nullptr ? 1000 : 30; }

  static inline Image ours_;
  static inline Image other_;
  std::unique_ptr<MemoryFiles> disk;
  std::vector<FramePlace> frames_;
  Found whole_;
  bool tell_ = false;  // verify tells the engine; else reading finds it
  std::map<std::string, std::uint64_t> positions_;
};

TEST_F(PlantedDamage, OfEachKindIsFoundAndToldOnce) {
  for (std::size_t kind = 0; kind < damage_kinds; ++kind) {
    for (std::uint64_t seed = 1; seed <= rounds(); ++seed) {
      round(static_cast<DamageKind>(kind), seed);
      if (HasFailure()) return;
    }
  }
  fmt::print("RESULT planted damage: {} kinds at {} places each, none missed, none invented\n", damage_kinds, rounds());
}

TEST_F(PlantedDamage, OfSeveralFramesIsFoundOneByOne) {
  for (std::uint64_t seed = 1; seed <= rounds(); ++seed) {
    restore();
    std::mt19937_64 random(seed);
    std::vector<Planted> planted;
    for (int i = 0; i < 4; ++i) {
      Planted damage = plant(*disk, "data", "other", frames_, i % 2 == 0 ? DamageKind::flip_header : DamageKind::flip_payload, random);
      const auto touches = [&](const Planted& other) {
        return other.segment == damage.segment && other.from <= damage.to && damage.from <= other.to;
      };
      // A neighbour would be one damage with it.
      if (std::ranges::none_of(planted, touches)) {
        planted.push_back(std::move(damage));
      } else {
        disk->put(damage.segment, ours_.at(damage.segment));
        std::erase_if(planted, [&](const Planted& other) { return other.segment == damage.segment; });
      }
    }
    compare(problems(), planted, fmt::format("seed {}", seed));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace telltale::testing
