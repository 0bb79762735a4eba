#include "runs/summary/tally.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "record/gap.h"
#include "record/template.h"

namespace telltale::runs {

void TestTally::add(bool error, bool is_shared) {
  ++records;
  shared += is_shared ? 1 : 0;
  errors += error && !is_shared ? 1 : 0;
  possible_errors += error && is_shared ? 1 : 0;
}

const TestTally& RunTally::test(std::string_view id) const {
  static const TestTally nothing;
  const auto found = tests.find(id);
  return found == tests.end() ? nothing : found->second;
}

namespace {

constexpr std::size_t max_template_bytes = 4096;  // longer messages that begin alike say the same
constexpr std::size_t max_tracked_groups = 10'000;

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

// The message: a joined record's first line says least of a Python traceback, whose last line names the exception.
std::string_view telling_line(const record::RecordView& view) {
  const std::string_view body = view.body();
  if (!body.starts_with("Traceback (most recent call last)")) return first_line(body);
  const std::size_t end = body.find_last_not_of("\r\n ");
  const std::string_view trimmed = body.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return trimmed.substr(trimmed.rfind('\n') + 1);  // npos + 1 is 0
}

void cut_to(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  text += "…";
}

void note(std::vector<std::string>& ids, const std::string& id, std::size_t limit) {
  if (ids.size() < limit && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

class Tallier {
 public:
  explicit Tallier(const TallyOptions& options) : options_(options) {}

  void add(const RunRecord& record) {
    if (record.is_gap()) return add_gap(record);
    const bool error = record.is_error();
    const bool shared = record.is_shared();
    ++result_.records;
    result_.errors += error ? 1 : 0;
    result_.possible_errors += error && shared ? 1 : 0;
    add_to_service(record, error);
    record.each_test([&](const TestKey& test) { result_.tests[test.id].add(error, shared); });
    if (error && options_.max_error_groups > 0) add_to_group(record, shared);
  }

  RunTally take() {
    auto& groups = result_.error_groups;
    std::sort(groups.begin(), groups.end(), [](const ErrorTally& a, const ErrorTally& b) {
      return a.count != b.count ? a.count > b.count : std::tie(a.first, a.service, a.sample) < std::tie(b.first, b.service, b.sample);
    });
    if (groups.size() > options_.max_error_groups) {
      result_.more_error_groups += groups.size() - options_.max_error_groups;
      groups.resize(options_.max_error_groups);
    }
    for (ErrorTally& group : groups) std::erase_if(group.possible_tests, [&](const std::string& id) { return has(group.tests, id); });
    return std::move(result_);
  }

 private:
  static bool has(const std::vector<std::string>& ids, const std::string& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

  void add_to_service(const RunRecord& record, bool error) {
    const auto found = result_.services.find(record.service());
    ServiceTally& service = found != result_.services.end() ? found->second : result_.services[std::string(record.service())];
    ++service.records;
    service.errors += error ? 1 : 0;
    if (streams_.insert(record.view.batch->stream->id).second) ++service.streams;
  }

  void add_gap(const RunRecord& record) {
    record.each_test([&](const TestKey& test) { ++result_.tests[test.id].gaps; });
    if (result_.gaps.size() >= options_.max_gaps) {
      ++result_.more_gaps;
      return;
    }
    const record::RecordView& view = record.view;
    GapTally gap{std::string(record.service()), view.batch->stream, std::string(view.line()), view.record->index_time(), 0};
    record.each_test([&](const TestKey& test) {
      if (gap.tests.size() < options_.max_gap_tests) {
        gap.tests.push_back({test.id, test.node_id});
      } else {
        ++gap.more_tests;
      }
    });
    gap.to = gap.from;
    if (const auto read = record::read_gap(*view.batch, *view.record)) {
      gap.from = read->from_time;
      gap.to = read->to_time;
    }
    result_.gaps.push_back(std::move(gap));
  }

  void add_to_group(const RunRecord& record, bool shared) {
    const std::string_view message = telling_line(record.view).substr(0, max_template_bytes);
    record::find_template_variables(message, variables_);
    key_.assign(record.service());
    key_ += '\0';
    record::append_template(key_, message, variables_);
    const auto found = groups_.find(key_);
    if (found == groups_.end() && groups_.size() >= max_tracked_groups) {
      ++result_.more_error_groups;
      return;
    }
    ErrorTally& group = found != groups_.end() ? result_.error_groups[found->second] : new_group(record, message);
    ++group.count;
    group.first = std::min(group.first, record.time());
    group.last = std::max(group.last, record.time());
    record.each_test([&](const TestKey& test) { note(shared ? group.possible_tests : group.tests, test.id, options_.max_group_tests); });
  }

  ErrorTally& new_group(const RunRecord& record, std::string_view message) {
    groups_.emplace(key_, result_.error_groups.size());
    ErrorTally& group = result_.error_groups.emplace_back();
    group.service = record.service();
    group.sample = message;
    cut_to(group.sample, options_.max_sample_bytes);
    group.first = group.last = record.time();
    return group;
  }

  const TallyOptions options_;
  RunTally result_;
  std::set<record::StreamId> streams_;
  std::unordered_map<std::string, std::size_t> groups_;  // service and template to the index of the group
  std::vector<record::TemplateVariable> variables_;
  std::string key_;
};

}  // namespace

base::Result<RunTally> tally(const Registry& registry, const Attributor& attributor, const store::StoreReader& reader,
                             const std::string& run, const TallyOptions& options) {
  Tallier tallier(options);
  auto scanned = scan_run(registry, attributor, reader, {.run = run, .from_sequence = 0, .to_sequence = ~record::Sequence{0}, .times = {}},
                          [&](const RunRecord& record) {
                            tallier.add(record);
                            return store::ScanStep::go_on;
                          });
  if (!scanned) return base::pass(scanned);
  return tallier.take();
}

}  // namespace telltale::runs
