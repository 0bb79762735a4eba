// What comes in while a run goes on.
#include <algorithm>

#include "runs/files/run_output.h"
#include "runs/files/run_output_parts.h"
#include "runs/files/test_header.h"

namespace telltale::runs {

using store::ScanStep;

namespace {

constexpr std::size_t read_bytes = 4 * 1024 * 1024;
constexpr std::size_t max_pending_bytes = 4 * 1024 * 1024;
constexpr int max_reads = 8;  // before others get their turn

}  // namespace

RunOutput::ServiceOutput& RunOutput::service_of(std::string_view name) {
  const auto found = services_.find(name);
  if (found != services_.end()) return *found->second;
  auto service = std::make_unique<ServiceOutput>(std::string(name), folder_);
  return *services_.emplace(name, std::move(service)).first->second;
}

RunOutput::TestOutput& RunOutput::test_of(const TestKey& key, const Test* known) {
  const auto found = tests_by_id_.find(key.id);
  if (found != tests_by_id_.end()) return *found->second;
  auto test = std::make_unique<TestOutput>();
  test->id = key.id;
  if (known != nullptr) {
    test->file_stem = known->file_stem;
  } else if (const auto asked = ports_.registry.test(key.id)) {
    test->file_stem = asked->file_stem;
  }
  tests_by_id_.emplace(key.id, test.get());
  return *tests_.emplace_back(std::move(test));
}

// Leaves the record's text in line_; the service it belongs to.
RunOutput::ServiceOutput& RunOutput::format(const RunRecord& record) {
  ServiceOutput& service = service_of(record.service());
  const record::Stream& stream = *record.view.batch->stream;
  const auto [instance, is_new] = instances_.try_emplace(stream.id);
  if (is_new) instance->second = instance_of(stream);
  if (!instance->second.empty() && service.instances.size() < 2) service.instances.insert(instance->second);
  const bool several = service.instances.size() > 1;
  line_.assign(record.view, {service.name, several ? std::string_view(instance->second) : std::string_view(), record.time()}, ports_.zone);
  return service;
}

base::Status RunOutput::route(const RunRecord& record) {
  const bool error = record.is_error();
  ServiceOutput& service = format(record);
  ports_.metrics.lines.add();
  service.realtime.pending() += line_.text();
  if (error) service.errors.pending() += line_.text();
  pending_bytes_ += line_.text().size();
  record.each_test([&](const TestKey& key) {
    TestOutput& test = test_of(key, nullptr);
    test.stale = test.stale || test.is_final;
    if (test.is_final || record.view.sequence <= test.through) return;
    if (!test.touched) touched_.push_back(&test);
    test.touched = true;
    line_.append_to(test.log.pending, record.is_shared());
    if (error) line_.append_to(test.errors.pending, record.is_shared());
    pending_bytes_ += line_.text().size();
  });
  routed_ = record.view.sequence;
  return pending_bytes_ >= max_pending_bytes ? flush() : base::Status();
}

base::Status RunOutput::catch_up() {
  for (int reads = 0; reads < max_reads; ++reads) {
    const live::ReadResult read = ports_.hub.read(done_, read_bytes);
    if (read.missed) {
      if (auto done = catch_up_from_store(read.missed_to); !done) return done;
      continue;
    }
    base::Status status;
    for (const auto& batch : read.batches) {
      visit_run_records(ports_.attributor, run_, *batch, done_ + 1, [&](const RunRecord& record) {
        status = route(record);
        return status ? ScanStep::go_on : ScanStep::stop;
      });
      if (!status) return status;
    }
    routed_ = std::max(routed_, read.next);
    if (auto done = flush(); !done) return done;
    if (read.batches.empty()) return {};
  }
  more_ = true;
  return {};
}

base::Status RunOutput::catch_up_from_store(record::Sequence to) {
  ports_.metrics.passes.add();
  base::Status status;
  auto scanned = scan_run(ports_.registry, ports_.attributor, ports_.reader,
                          {.run = run_, .from_sequence = done_ + 1, .to_sequence = to, .times = {}}, [&](const RunRecord& record) {
                            status = route(record);
                            return status ? ScanStep::go_on : ScanStep::stop;
                          });
  if (!status) return status;
  if (!scanned) return scanned;
  routed_ = std::max(routed_, to);
  return flush();
}

// All that is pending goes into the files, or done_ stays where it is.
base::Status RunOutput::flush() {
  if (auto done = write_services(); !done) return done;
  for (TestOutput* test : touched_) {
    if (auto done = write_provisional(*test); !done) return done;
  }
  for (const auto& [name, service] : services_) {
    service->realtime.keep();
    service->errors.keep();
  }
  for (TestOutput* test : touched_) {
    test->touched = false;
    test->through = std::max(test->through, routed_);
  }
  touched_.clear();
  pending_bytes_ = 0;
  done_ = routed_;
  return {};
}

base::Status RunOutput::write_services() {
  for (const auto& [name, service] : services_) {
    for (AppendedFile* file : {&service->realtime, &service->errors}) {
      if (!service->created) {
        // Creating a file forgets what is pending.
        std::string pending = std::move(file->pending());
        auto done = file->create(folder_, beside_);
        file->pending() = std::move(pending);
        if (!done) return done;
      }
      ports_.metrics.bytes.add(file->pending().size());
      if (auto done = file->write(folder_); !done) return done;
    }
    service->created = true;
  }
  return {};
}

base::Status RunOutput::write_provisional(TestOutput& test) {
  if (test.is_final) return {};
  if (auto done = claim_stem(test); !done) return done;
  if (auto done = append_provisional(test, TestFile::log); !done) return done;
  return test.errors.pending.empty() ? base::Status() : append_provisional(test, TestFile::errors);
}

base::Status RunOutput::append_provisional(TestOutput& test, TestFile kind) {
  TestOutput::Text& text = kind == TestFile::log ? test.log : test.errors;
  const std::string path = folder_.test_path(test.stem, kind);
  std::string header;
  if (!text.begun) {
    const auto known = ports_.registry.test(test.id);
    if (!known) return std::unexpected(known.error());
    header = provisional_header(*known);
  }
  // Opened each time: there may be more tests than descriptors.
  auto file = text.begun ? folder_.files().open_write(path, base::OpenMode::append_own) : folder_.create(path);
  if (!file) return base::pass(file);
  const std::string_view pieces[] = {header, text.pending};
  ports_.metrics.bytes.add(text.pending.size());
  if (auto done = (*file)->append(pieces); !done) return done;
  text.begun = true;
  std::string().swap(text.pending);  // there may be many tests
  return {};
}

}  // namespace telltale::runs
