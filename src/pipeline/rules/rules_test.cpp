// Redaction and detection on whole batches, with the real parser.
#include "pipeline/rules/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "pipeline/detect/detector.h"
#include "pipeline/parse/parser.h"
#include "pipeline/redact/field_names.h"
#include "pipeline/testing/secret_samples.h"

namespace telltale::pipeline {
namespace {

using record::Batch;
using record::FindingKind;
using record::Record;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Flow {
 public:
  explicit Flow(const config::RedactionConfig& redaction = {}, const config::DetectionConfig& detection = {},
                const DetectionOfServices& services = {}) {
    auto made = make_rules(redaction, detection, metrics_, services);
    EXPECT_TRUE(made.has_value());
    rules_ = std::move(*made);
    scratch_ = std::make_unique<RulesScratch>(*rules_);
  }

  Batch operator()(const std::string& text, const std::string& service = "t") {
    Batch batch;
    batch.stream = record::make_stream(record::Labels({{"service", service}}));
    batch.text = text;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      Record record;
      record.line = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at)};
      batch.records.push_back(record);
      at = end + 1;
    }
    parser_.parse(batch);
    rules_->apply(batch, state_, *scratch_, [this](Batch& changed, Record& record) { parser_.parse_line(changed, record); });
    return batch;
  }

  const Rules& rules() const { return *rules_; }
  RulesScratch& scratch() { return *scratch_; }

 private:
  telemetry::Metrics metrics_;
  std::unique_ptr<const Rules> rules_;
  std::unique_ptr<RulesScratch> scratch_;
  RulesState state_;
  ParserScratch parser_scratch_;
  Parser parser_{parser_scratch_};
};

std::string attribute(const Batch& batch, const Record& record, std::string_view key) {
  for (const record::Attribute& a : batch.attributes_of(record)) {
    if (batch.view(a.key) == key) return std::string(batch.view(a.text));
  }
  return "(none)";
}

std::vector<std::string> findings(const Batch& batch, std::size_t i) {
  std::vector<std::string> out;
  for (const record::Finding& f : batch.findings_of(batch.records[i])) {
    out.push_back(batch.rule_names[f.rule] + ":" + std::string(batch.line(batch.records[i]).substr(f.begin, f.size)));
  }
  return out;
}

// Every view of every record lies in the text.
void expect_valid(const Batch& batch) {
  std::uint32_t next_finding = 0;
  for (const Record& r : batch.records) {
    for (const record::TextRef ref : {r.line, r.body, r.severity_text, r.trace_id, r.span_id, r.test_id})
      ASSERT_LE(ref.end(), batch.text.size());
    ASSERT_LE(r.first_attribute + r.attribute_count, batch.attributes.size());
    for (const record::Attribute& a : batch.attributes_of(r)) {
      ASSERT_LE(a.key.end(), batch.text.size());
      ASSERT_LE(a.text.end(), batch.text.size());
    }
    if (r.finding_count > 0) {
      ASSERT_EQ(r.first_finding, next_finding) << "findings stand in record order";
    }
    next_finding += r.finding_count;
    for (const record::Finding& f : batch.findings_of(r)) {
      ASSERT_LE(f.begin + f.size, r.line.size);
      ASSERT_LT(f.rule, batch.rule_names.size());
    }
  }
}

TEST(Rules, ARedactedRecordIsParsedAgain) {
  Flow flow;
  const Batch batch = flow("{\"level\":\"info\",\"msg\":\"hi\",\"password\":\"hunter2\"}\nlevel=error msg=plain\n");
  const Record& first = batch.records[0];
  EXPECT_EQ(batch.line(first), R"({"level":"info","msg":"hi","password":"[REDACTED:password]"})");
  EXPECT_TRUE(first.has(record::flag_redacted));
  EXPECT_EQ(batch.body(first), "hi");
  EXPECT_EQ(first.severity, record::Severity::info);
  EXPECT_EQ(attribute(batch, first, "password"), "[REDACTED:password]");
  EXPECT_THAT(batch.text, Not(HasSubstr("hunter2")));
  EXPECT_FALSE(batch.records[1].has(record::flag_redacted));
  EXPECT_EQ(batch.line(batch.records[1]), "level=error msg=plain");
  expect_valid(batch);
}

TEST(Rules, NumbersOfOldAttributesAreForgotten) {
  Flow flow;
  SecretMaker make(1);
  const std::string card = make.card();
  const Batch batch = flow("{\"card\":" + card + ",\"n\":1}\n");
  EXPECT_EQ(batch.line(batch.records[0]), R"({"card":"[REDACTED:credit-card]","n":1})");
  for (const record::Attribute& a : batch.attributes) EXPECT_NE(std::to_string(a.integer), card);
}

TEST(Rules, FindingsOfARedactedLineLieInTheNewLine) {
  Flow flow;
  const Batch batch = flow("login password=hunter2 failed with error 5\n");
  EXPECT_EQ(batch.line(batch.records[0]), "login password=[REDACTED:password] failed with error 5");
  EXPECT_THAT(findings(batch, 0), testing::ElementsAre("failed:failed", "error:error"));
  expect_valid(batch);
}

TEST(Rules, PrivateKeyOverBatches) {
  Flow flow;
  SecretMaker make(2);
  const std::string key = make.private_key(6, "\n");
  const std::size_t cut = key.find('\n', 100) + 1;
  const Batch first = flow("start\n" + key.substr(0, cut));
  const Batch second = flow(key.substr(cut) + "\nend\n");
  for (std::size_t at = key.find('\n') + 1; at + 64 < key.size(); at += 65) {
    EXPECT_THAT(first.text, Not(HasSubstr(key.substr(at, 64))));
    EXPECT_THAT(second.text, Not(HasSubstr(key.substr(at, 64))));
  }
  EXPECT_EQ(second.line(second.records.back()), "end");
  expect_valid(second);
}

TEST(Rules, SeverityFindsErrorsWithoutWords) {
  Flow flow;
  const Batch batch =
      flow("{\"level\":\"error\",\"msg\":\"disk gone\"}\n{\"level\":\"info\",\"msg\":\"fine\"}\nlevel=info msg=\"0 errors\" timeout=30s\n");
  EXPECT_THAT(findings(batch, 0), testing::ElementsAre("severity:error"));
  EXPECT_EQ(batch.findings_of(batch.records[0])[0].kind, FindingKind::severity);
  EXPECT_THAT(findings(batch, 1), IsEmpty());
  EXPECT_THAT(findings(batch, 2), IsEmpty());
}

TEST(Rules, HeadsOfExceptions) {
  Flow flow;
  const Batch batch = flow(
      "Traceback (most recent call last):\nException in thread \"main\" java.lang.IllegalStateException: bad\npanic: runtime fault\n"
      "goroutine 1 [running]:\ngoroutine pool has 5 workers\nthread 'main' panicked at src/main.rs:3\ncom.example.OrderNotFoundException: "
      "7\n");
  EXPECT_THAT(findings(batch, 0), testing::ElementsAre("python-traceback:Traceback (most recent call last)"));
  EXPECT_THAT(findings(batch, 1), testing::ElementsAre("java-exception-in-thread:Exception in thread", "exception:Exception"));
  EXPECT_THAT(findings(batch, 2), testing::ElementsAre("severity:panic", "go-panic:panic: "));
  EXPECT_THAT(findings(batch, 3), testing::ElementsAre("go-goroutine:goroutine "));
  EXPECT_THAT(findings(batch, 4), IsEmpty());
  EXPECT_THAT(findings(batch, 5), testing::ElementsAre("rust-panic: panicked at "));
  EXPECT_THAT(findings(batch, 6), testing::ElementsAre("exception:Exception"));
  for (const std::size_t i : {0, 1, 3, 5, 6}) EXPECT_EQ(batch.findings_of(batch.records[i])[0].kind, FindingKind::exception) << i;
}

TEST(Rules, WordsAreAddedReplacedAndIgnored) {
  config::DetectionConfig config;
  config.add = {"Connection Refused"};
  config.ignore = {"expected error"};
  Flow flow({}, config);
  const Batch batch = flow("connection refused by host\nthis is an EXPECTED ERROR\nother error\n");
  EXPECT_THAT(findings(batch, 0), testing::ElementsAre("connection refused:connection refused"));
  EXPECT_THAT(findings(batch, 1), IsEmpty());
  EXPECT_THAT(findings(batch, 2), testing::ElementsAre("error:error"));
  config::DetectionConfig only;
  only.replace = {"kaputt"};
  Flow replaced({}, only);
  const Batch other = replaced("error\nalles kaputt\n");
  EXPECT_THAT(findings(other, 0), IsEmpty());
  EXPECT_THAT(findings(other, 1), testing::ElementsAre("kaputt:kaputt"));
}

TEST(Rules, LabelsAndNames) {
  Flow flow;
  SecretMaker make(3);
  const std::string token =
      "gh"
      "p_" +
      make.alnum(36);
  const auto clean = record::make_stream(record::Labels({{"service", "api"}, {"file", "/var/log/x.log"}}));
  EXPECT_EQ(flow.rules().redact_labels(clean, flow.scratch()), clean);
  const auto dirty = record::make_stream(record::Labels({{"service", "api"}, {"file", "/tmp/" + token}}));
  const auto redacted = flow.rules().redact_labels(dirty, flow.scratch());
  EXPECT_EQ(redacted->labels.get("file"), "/tmp/[REDACTED:github-token]");
  EXPECT_NE(redacted->id, dirty->id);
  EXPECT_EQ(flow.rules().redact_text("test[" + token + "]", flow.scratch()), "test[[REDACTED:github-token]]");
}

// Secrets of every rule in lines of every format, many to a batch: no byte of any batch holds one afterwards.
TEST(Rules, NoPlantedSecretRemainsInAnyByte) {
  Flow flow;
  SecretMaker make(20261121);
  for (int round = 0; round < 20; ++round) {
    std::string text;
    std::vector<std::string> secrets;
    for (const RuleSamples& rule : rule_samples()) {
      for (const auto& positive : rule.positives) {
        Sample sample = positive(make);
        if (sample.text.find('\n') != std::string::npos || rule.rule == "private-key") continue;
        switch (sample.text.front() == '{' ? 0 : make.number(4)) {
          case 1:
            text += "2026-11-21T01:02:03Z INFO app - " + sample.text + "\n";
            break;
          case 2:
            text += "{\"log\":\"{\\\"msg\\\":\\\"a\\\\tb\\\"} x\\n\",\"other\":\"a\\tb\"}\n" + sample.text + "\n";
            break;
          case 3:
            text += "level=info n=1 " + sample.text + "\n";
            break;
          default:
            text += sample.text + "\n";
        }
        secrets.push_back(std::move(sample.secret));
      }
    }
    const Batch batch = flow(text);
    for (const std::string& secret : secrets) ASSERT_THAT(batch.text, Not(HasSubstr(secret)));
    expect_valid(batch);
  }
}

TEST(Rules, SecretsThatOnlyUnescapingShows) {
  Flow flow;
  SecretMaker make(5);
  const std::string tail = make.alnum(36);
  const Batch batch = flow("{\"a\":\"x\\ty\",\"msg\":\"t\\u003dgh\\u0070_" + tail +
                           " \\u00e9\"}\n{\"log\":\"{\\\"a\\\":\\\"\\u0067h"
                           "p_" +
                           tail + "\\\"}\\n\",\"stream\":\"stdout\"}\n{\"b\":\"keep\\tme\"}\n");
  EXPECT_THAT(batch.text, Not(HasSubstr(tail)));
  EXPECT_EQ(attribute(batch, batch.records[2], "b"), "keep\tme") << "other records keep what was unescaped for them";
  expect_valid(batch);
}

TEST(Rules, AreSharedByThreads) {
  Flow flow;
  const auto work = [&] {
    RulesScratch scratch(flow.rules());
    for (int i = 0; i < 50; ++i)
      EXPECT_EQ(flow.rules().redact_text("password=hunter2 and a@example.org", scratch),
                "password=[REDACTED:password] and [REDACTED:email]");
  };
  std::thread other(work);
  work();
  other.join();
}

std::string page(const std::string& name) {
  std::stringstream text;
  text << std::ifstream(TELLTALE_SOURCE_DIR "/docs/reference/" + name).rdbuf();
  return text.str();
}

TEST(ReferencePages, ListEveryRule) {
  const std::string redaction = page("redaction.md");
  for (const RuleSpec& rule : builtin_rules()) {
    EXPECT_THAT(redaction,
                HasSubstr("| `" + std::string(rule.name) + "` | " + std::string(rule.family) + " | " + std::string(rule.what) + " |"));
  }
  for (const FieldGroup& group : builtin_field_groups()) {
    EXPECT_THAT(redaction, HasSubstr("| `" + std::string(group.name) + "` | " + std::string(group.what) + " |"));
  }
  const std::string detection = page("detection.md");
  for (const std::string_view name : builtin_detection_rules()) EXPECT_THAT(detection, HasSubstr("`" + std::string(name) + "`"));
}

TEST(Rules, OffCostsNothingAndChangesNothing) {
  config::RedactionConfig off;
  off.enabled = false;
  Flow flow(off);
  const Batch batch = flow("password=hunter2\n");
  EXPECT_EQ(batch.line(batch.records[0]), "password=hunter2");
}

TEST(Rules, AServiceMayHaveItsOwnDetection) {
  const config::DetectionConfig common{.add = {"stuck"}, .ignore = {}, .replace = {}};
  Flow flow({}, common, {{"printer", {.add = {}, .ignore = {"known"}, .replace = {"out of paper"}}}});
  const std::string text = "payment failed\nqueue is stuck\nout of paper\nout of paper, as is known\n";
  const Batch ordinary = flow(text);
  EXPECT_THAT(findings(ordinary, 0), testing::ElementsAre("failed:failed"));
  EXPECT_THAT(findings(ordinary, 1), testing::ElementsAre("stuck:stuck"));
  EXPECT_THAT(findings(ordinary, 2), IsEmpty());
  const Batch printer = flow(text, "printer");
  EXPECT_THAT(findings(printer, 0), IsEmpty());
  EXPECT_THAT(findings(printer, 1), IsEmpty());
  EXPECT_THAT(findings(printer, 2), testing::ElementsAre("out of paper:out of paper"));
  EXPECT_THAT(findings(printer, 3), IsEmpty());
  EXPECT_THAT(findings(flow(text), 0), testing::ElementsAre("failed:failed")) << "the scratch is not the service's";
}

}  // namespace
}  // namespace telltale::pipeline
