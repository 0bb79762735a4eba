#include "record/wire.h"

#include <gtest/gtest.h>

#include "record/gap.h"
#include "record/json_check.h"

namespace telltale::record {
namespace {

constexpr UnixNanos observed = 1'700'000'000'123'456'789;  // 2023-11-14T22:13:20.123456789Z

// A batch with one record that tests add to.
struct Sample {
  explicit Sample(std::string_view line, Labels labels = Labels({{"service", "api"}, {"source", "file"}, {"file", "/var/log/api.log"}})) {
    batch.stream = make_stream(std::move(labels));
    Record record;
    record.observed_time = observed;
    record.line = record.body = add(line);
    record.severity = Severity::info;
    batch.records.push_back(record);
  }
  TextRef add(std::string_view text) {
    const TextRef ref{static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(text.size())};
    batch.text += text;
    return ref;
  }
  void attribute(std::string_view key, std::string_view text, AttributeType type = AttributeType::text, std::int64_t integer = 0,
                 double real = 0) {
    const TextRef key_ref = add(key);
    batch.attributes.push_back({key_ref, add(text), integer, real, type});
    ++record().attribute_count;
  }
  Record& record() { return batch.records[0]; }
  std::string entry() const {
    std::string out;
    append_wire_entry(out, {&batch, batch.records.data(), 42});
    return out;
  }
  std::string plain() const {
    std::string out;
    append_plain_line(out, {&batch, batch.records.data(), 42});
    return out;
  }
  Batch batch;
};

TEST(WireEntry, IsTheStandardEntry) {
  EXPECT_EQ(Sample("hello \"world\"").entry(),
            R"({"timestamp":"2023-11-14T22:13:20.123Z","source":"file","stream":"file","content":"hello \"world\"","level":"INFO",)"
            R"("service_name":"api","metadata":{"file":"/var/log/api.log"},"context":{},"sequence":"42","severity":9,)"
            R"("observed_time":"2023-11-14T22:13:20.123456789Z"})");
}

TEST(WireEntry, ShowsTheLineOnlyWhereTheMessageIsAnother) {
  Sample sample(R"({"msg":"hi"})");
  sample.record().body = sample.add("hi");
  sample.record().severity = Severity::error;
  sample.record().severity_text = sample.add("err");
  const std::string entry = sample.entry();
  EXPECT_NE(entry.find(R"("content":"hi","level":"ERROR")"), std::string::npos) << entry;
  EXPECT_NE(entry.find(R"("line":"{\"msg\":\"hi\"}","severity":17,"severity_text":"err")"), std::string::npos) << entry;
}

TEST(WireEntry, IsTimedByTheEventWhereItIsBelievable) {
  Sample sample("x");
  sample.record().event_time = observed - 1'000'000'000;
  sample.record().resolution = TimeResolution::millisecond;
  EXPECT_NE(sample.entry().find(R"("timestamp":"2023-11-14T22:13:19.123Z")"), std::string::npos);
  sample.record().flags = flag_time_out_of_range;
  const std::string entry = sample.entry();
  EXPECT_NE(entry.find(R"("timestamp":"2023-11-14T22:13:20.123Z")"), std::string::npos);
  EXPECT_NE(entry.find(R"("event_time":"2023-11-14T22:13:19.123456789Z","flags":["time_out_of_range"])"), std::string::npos) << entry;
}

TEST(WireEntry, AttributesKeepTheirTypes) {
  Sample sample("x", Labels());
  sample.attribute("n", "5", AttributeType::integer, 5);
  sample.attribute("big", "9007199254740993", AttributeType::integer, 9007199254740993);
  sample.attribute("r", "1.50", AttributeType::real, 0, 1.5);
  sample.attribute("odd", "1.", AttributeType::real, 0, 1.0);
  sample.attribute("b", "TRUE", AttributeType::boolean, 1);
  sample.attribute("z", "null", AttributeType::null);
  sample.attribute("j", R"([1,{"a":"b"}])", AttributeType::json);
  sample.attribute("broken", R"([1,)", AttributeType::json);
  sample.attribute("t", "a\tb");
  EXPECT_NE(sample.entry().find(R"("metadata":{"n":5,"big":"9007199254740993","r":1.50,"odd":"1.","b":true,"z":null,)"
                                R"("j":[1,{"a":"b"}],"broken":"[1,","t":"a\tb"})"),
            std::string::npos)
      << sample.entry();
}

TEST(WireEntry, ContextAndMetadataOfApplicationLinesGoToTheirPlaces) {
  Sample sample("x", Labels({{"host", "a"}}));
  sample.attribute("context", R"({ "user": 7 })", AttributeType::json);
  sample.attribute("context.request_id", "r1");
  sample.attribute("metadata", R"({"k":1})", AttributeType::json);
  sample.attribute("host", "b");
  const std::string entry = sample.entry();
  EXPECT_NE(entry.find(R"("metadata":{"host":"a","k":1,"attribute.host":"b"},"context":{"user": 7,"request_id":"r1"})"), std::string::npos)
      << entry;
}

TEST(WireEntry, FindingsNameTheRuleAndTheSpan) {
  Sample sample("an exception here");
  sample.batch.rule_names = {"word", "python"};
  sample.batch.findings.push_back({3, 9, 1, FindingKind::exception});
  sample.record().finding_count = 1;
  EXPECT_NE(sample.entry().find(R"("findings":[{"rule":"python","kind":"exception","begin":3,"end":12}])"), std::string::npos);
}

TEST(WireEntry, IsOneLineOfJsonWhateverTheSourceWrote) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes.push_back(static_cast<char>(c));
  Sample sample(bytes, Labels({{"service", bytes}, {bytes, bytes}}));
  sample.attribute(bytes, bytes);
  sample.attribute("j", "{\"a\":\n1}", AttributeType::json);
  EXPECT_TRUE(is_json_line(sample.entry()));
}

TEST(WireEntry, AGapIsAnEntryWithItsFlag) {
  Gap gap;
  gap.reason = GapReason::unreadable;
  const Batch batch = make_gap_batch(make_stream(Labels({{"service", "api"}})), gap, observed);
  std::string out;
  append_wire_entry(out, {&batch, batch.records.data(), 7});
  EXPECT_TRUE(is_json_line(out)) << out;
  EXPECT_NE(out.find(R"("flags":["gap"])"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("gap.reason":"unreadable")"), std::string::npos) << out;
}

TEST(PlainLine, CannotSteerTheTerminal) {
  EXPECT_EQ(Sample("a\x1b[2Jb\tc\x7f\xff\xc2\x9bü").plain(), "2023-11-14T22:13:20.123Z api INFO a\\x1B[2Jb\tc\\x7F\\xFF\\xC2\\x9Bü");
}

TEST(PlainLine, FurtherLinesOfAJoinedRecordAreIndented) {
  Sample sample("Traceback\n  File x", Labels());
  sample.record().severity = Severity::unset;
  EXPECT_EQ(sample.plain(), "2023-11-14T22:13:20.123Z - - Traceback\n      File x");
}

TEST(JsonCheck, AcceptsValuesAndNothingElse) {
  for (const char* good : {"0", "-1.5e+10", "\"\\u00e9\\n\"", "[]", "{}", "[1, 2]", R"({"a":{"b":[true,false,null]}})", " 1 "}) {
    EXPECT_TRUE(is_json_line(good)) << good;
  }
  for (const char* bad : {"", "01", "1.", ".5", "+1", "-", "nul", "[1,]", "{,}", R"({"a"})", R"({"a":1)", "\"\\x\"", "\"a", "\"\\", "1 2",
                          "\"\t\"", "[1\n]", "\"\xff\"", "{a:1}"}) {
    EXPECT_FALSE(is_json_line(bad)) << bad;
  }
  EXPECT_TRUE(is_json_line(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(is_json_line(std::string(65, '[') + std::string(65, ']')));
}

TEST(FlagName, EveryFlagHasItsOwn) {
  EXPECT_EQ(flag_name(flag_redacted), "redacted");
  EXPECT_EQ(flag_name(flag_unterminated), "unterminated");
}

}  // namespace
}  // namespace telltale::record
