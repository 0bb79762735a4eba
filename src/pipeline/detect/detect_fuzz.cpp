// Any line and level: findings lie in the line, name a rule, and come at most once a rule.
#include <set>

#include "base/assert.h"
#include "pipeline/detect/detector.h"

namespace {

using namespace telltale;
using namespace telltale::pipeline;

struct Fixture {
  Fixture() {
    config::DetectionConfig config;
    config.add = {"connection refused"};
    config.ignore = {"never mind"};
    ScannerBuilder builder;
    detector = std::make_unique<Detector>(std::move(*Detector::make(config, builder)));
    scanner = std::make_unique<Scanner>(std::move(*builder.build()));
    scratch = std::make_unique<ScanScratch>(*scanner);
  }
  std::unique_ptr<Detector> detector;
  std::unique_ptr<Scanner> scanner;
  std::unique_ptr<ScanScratch> scratch;
  DetectScratch detect;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fixture fixture;
  if (size == 0) return 0;
  record::Batch batch;
  batch.text.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  record::Record record;
  record.severity = static_cast<record::Severity>(data[0] % 25);
  record.line = record.body = {0, static_cast<std::uint32_t>(batch.text.size())};
  batch.records.push_back(record);
  std::vector<Hit> hits;
  fixture.scanner->scan(batch.text, *fixture.scratch, hits);
  fixture.detector->begin_batch(fixture.detect);
  fixture.detector->detect(batch, batch.records[0], hits, 0, fixture.detect);
  std::set<std::uint16_t> rules;
  for (const record::Finding& finding : batch.findings_of(batch.records[0])) {
    TT_ASSERT(finding.begin + finding.size <= batch.text.size(), "a finding lies in its line");
    TT_ASSERT(finding.rule < batch.rule_names.size(), "a finding names its rule");
    TT_ASSERT(rules.insert(finding.rule).second, "one finding a rule");
  }
  TT_ASSERT(batch.findings.size() <= Detector::most_findings, "bounded findings");
  return 0;
}
