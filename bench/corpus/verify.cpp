#include "corpus/verify.h"

#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "corpus/corpus.h"
#include "store/engine/store.h"

namespace telltale::bench {

namespace {

class Check {
 public:
  Check(std::uint64_t seed, std::uint64_t lines) : seen_(lines, false) {
    Corpus corpus(seed);
    std::string line;
    for (std::uint64_t number = 0; number < lines; ++number) {
      line.clear();
      corpus.append_line(line);
      if (!corpus.secret().empty()) secrets_.emplace(number, corpus.secret());
    }
    verdict_.secrets = secrets_.size();
  }

  void see(const record::Batch& batch, const record::Record& record) {
    if (record.has(record::flag_gap)) return;
    const std::string_view line = batch.line(record);
    const std::optional<LineTag> tag = read_tag(line);
    if (!tag || tag->number >= seen_.size()) return;
    ++verdict_.lines;
    if (seen_[tag->number]) ++verdict_.repeated;
    seen_[tag->number] = true;
    const bool redacted = record.has(record::flag_redacted);
    if (redacted) ++verdict_.redacted;
    if (!redacted && !tag->intact) ++verdict_.changed;
    if (const auto secret = secrets_.find(tag->number); secret != secrets_.end() && line.find(secret->second) != std::string_view::npos) {
      ++verdict_.leaked;
    }
  }

  Verdict verdict() {
    for (const bool seen : seen_) verdict_.missing += seen ? 0 : 1;
    return verdict_;
  }

 private:
  std::vector<bool> seen_;
  std::unordered_map<std::uint64_t, std::string> secrets_;
  Verdict verdict_;
};

}  // namespace

base::Result<Verdict> verify_store(const std::string& folder, std::uint64_t seed, std::uint64_t lines) {
  base::PosixFiles files;
  auto reader = store::open_read_only(files, folder);
  if (!reader) return base::pass(reader);
  Check check(seed, lines);
  const auto any_stream = [](const record::Stream&) { return true; };
  const base::Status status = (*reader)->scan({}, any_stream, [&](const record::CommittedBatchRef& committed) {
    for (const record::Record& record : committed->batch.records) check.see(committed->batch, record);
    return store::ScanStep::go_on;
  });
  if (!status) return std::unexpected(status.error());
  return check.verdict();
}

}  // namespace telltale::bench
