#include "pipeline/parse/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/parse/parse_text.h"

namespace telltale::pipeline {
namespace {

using record::Batch;
using record::Record;
using record::Severity;

struct Sample {
  const char* name;
  std::string line;
  const char* time;
  const char* level;  // name of the severity and what was written: "error ERROR"
  const char* body;   // nullptr: the whole line
  const char* attributes = "";
};

std::string level_text(const Batch& batch, const Record& record) {
  return std::string(record::severity_name(record.severity)) + " " + std::string(batch.view(record.severity_text));
}

class Formats : public testing::TestWithParam<Sample> {};

TEST_P(Formats, AreRecognised) {
  const Sample& sample = GetParam();
  const Batch batch = parse_text(sample.line + "\n");
  ASSERT_EQ(batch.records.size(), 1u);
  const Record& record = batch.records[0];
  EXPECT_EQ(batch.line(record), sample.line);
  EXPECT_EQ(time_text(record), sample.time);
  EXPECT_EQ(level_text(batch, record), sample.level);
  EXPECT_EQ(batch.body(record), sample.body == nullptr ? std::string_view(sample.line) : std::string_view(sample.body));
  EXPECT_EQ(attributes_text(batch, record), sample.attributes);
}

// Parsing one record again gives what parsing gave, in a place of its own.
TEST_P(Formats, GiveTheSameWhenParsedAgain) {
  ParserScratch scratch;
  Parser parser(scratch);
  Batch batch = frame_text(GetParam().line + "\n");
  parser.parse(batch);
  const Record first = batch.records[0];
  const std::string attributes = attributes_text(batch, first);
  parser.parse_line(batch, batch.records[0]);
  const Record& again = batch.records[0];
  EXPECT_EQ(time_text(again), time_text(first));
  EXPECT_EQ(level_text(batch, again), level_text(batch, first));
  EXPECT_EQ(batch.body(again), batch.body(first));
  EXPECT_EQ(attributes_text(batch, again), attributes);
  EXPECT_EQ(ids_text(batch, again), ids_text(batch, first));
}

const Sample json_samples[] = {
    {"python_json_logger",
     R"({"asctime": "2024-03-21 10:30:00,123", "levelname": "ERROR", "name": "shop", "message": "no stock", "order": 7})",
     "2024-03-21T10:30:00.123Z ms?", "error ERROR", "no stock", "name:t=shop order:i=7"},
    {"structlog", R"({"event": "started", "level": "info", "timestamp": "2024-03-21T10:30:00.123456Z", "port": 8080})",
     "2024-03-21T10:30:00.123456Z us", "info info", "started", "port:i=8080"},
    {"pino", R"({"level":50,"time":1711017000123,"pid":17,"hostname":"h","msg":"failed","err":{"type":"Error","message":"x"}})",
     "2024-03-21T10:30:00.123Z ms", "error 50", "failed", R"(pid:i=17 hostname:t=h err:j={"type":"Error","message":"x"})"},
    {"bunyan", R"({"name":"app","hostname":"h","pid":1,"level":30,"msg":"hi","time":"2024-03-21T10:30:00.123Z","v":0})",
     "2024-03-21T10:30:00.123Z ms", "info 30", "hi", "name:t=app hostname:t=h pid:i=1 v:i=0"},
    {"ecs", R"({"@timestamp":"2024-03-21T10:30:00.123Z","log.level":"WARN","message":"slow","ecs.version":"1.6.0"})",
     "2024-03-21T10:30:00.123Z ms", "warn WARN", "slow", "ecs.version:t=1.6.0"},
    {"ecs_nested_level", R"({"@timestamp":"2024-03-21T10:30:00Z","log":{"level":"error"},"message":"m"})", "2024-03-21T10:30:00Z s",
     "error error", "m", R"(log:j={"level":"error"})"},
    {"zap", R"({"level":"error","ts":1711017000.1234567,"caller":"a/b.go:12","msg":"boom"})", "2024-03-21T10:30:00.1234567Z us",
     "error error", "boom", "caller:t=a/b.go:12"},
    {"zerolog", R"({"level":"debug","time":1711017000,"message":"hi"})", "2024-03-21T10:30:00Z s", "debug debug", "hi"},
    {"serilog", R"({"@t":"2024-03-21T10:30:00.1234567Z","@mt":"Hello {User}","@l":"Warning","User":"a"})",
     "2024-03-21T10:30:00.1234567Z ns", "warn Warning", "Hello {User}", "User:t=a"},
    {"serilog_rendered", R"({"@t":"2024-03-21T10:30:00.1234567Z","@mt":"Hello {User}","@m":"Hello a"})", "2024-03-21T10:30:00.1234567Z ns",
     "unset ", "Hello a", "@mt:t=Hello {User}"},
    {"logrus", R"({"level":"fatal","msg":"end","time":"2024-03-21T10:30:00+01:00"})", "2024-03-21T09:30:00Z s", "fatal fatal", "end"},
    {"application_line",
     R"({"timestamp":"2024-03-21T10:30:00.123Z","level":"ERROR","source":"backend","message":"m","context":{"a":1},"metadata":{}})",
     "2024-03-21T10:30:00.123Z ms", "error ERROR", "m", R"(source:t=backend context:j={"a":1} metadata:j={})"},
    {"otel_severity_number", R"({"severity_number":18,"severity_text":"Error2","body":"m"})", "-", "error ", "m", "severity_text:t=Error2"},
    {"journal", R"({"PRIORITY":"3","MESSAGE":"disk","__REALTIME_TIMESTAMP":"1711017000123456"})", "2024-03-21T10:30:00.123456Z us",
     "error ", "disk"},
    {"docker_json_file", R"({"log":"2024-03-21T10:30:00.5Z ERROR it broke\n","stream":"stderr","time":"2024-03-21T10:30:01.123456789Z"})",
     "2024-03-21T10:30:00.5Z s", "error ERROR", "it broke", "stream:t=stderr"},
    {"docker_json_in_json",
     R"({"log":"{\"level\":\"warn\",\"msg\":\"m\",\"n\":1}\r\n","stream":"stdout","time":"2024-03-21T10:30:01.123456789Z"})",
     "2024-03-21T10:30:01.123456789Z ns", "warn warn", "m", "stream:t=stdout n:i=1"},
    {"docker_time_beats_an_assumed_zone", R"({"log":"2024-03-21 11:30:00 hello\n","stream":"stdout","time":"2024-03-21T10:30:01.1Z"})",
     "2024-03-21T10:30:01.1Z s", "unset ", "hello", "stream:t=stdout"},
    {"every_type", R"({"t1":"a","i":-5,"r":1.5e3,"b":true,"f":false,"n":null,"o":{"x":[1,{}]},"a":[ 1, 2 ],"big":123456789012345678901})",
     "-", "unset ", nullptr,
     R"(t1:t=a i:i=-5 r:r=1.5e3 b:b=true f:b=false n:n=null o:j={"x":[1,{}]} a:j=[ 1, 2 ] big:r=123456789012345678901)"},
    {"escapes", R"({"msg":"a\n\"b\" \u00e9","k\u0041":"\\"})", "-", "unset ", "a\n\"b\" \xc3\xa9", "kA:t=\\"},
    {"white_space", "{ \"msg\" : \"m\" , \"n\" : 1 }  ", "-", "unset ", "m", "n:i=1"},
    {"empty_object", "{}", "-", "unset ", nullptr},
    {"level_of_another_meaning", R"({"msg":"m","level":"seven","time":"soon"})", "-", "unset ", "m", "level:t=seven time:t=soon"},
};

const Sample logfmt_samples[] = {
    {"logrus_text", R"(time="2024-03-21T10:30:00Z" level=warning msg="disk is \"full\"" path=/a code=7)", "2024-03-21T10:30:00Z s",
     "warn warning", "disk is \"full\"", "path:t=/a code:t=7"},
    {"go_kit", "ts=2024-03-21T10:30:00.123Z caller=main.go:12 level=error err=timeout", "2024-03-21T10:30:00.123Z ms", "error error",
     nullptr, "caller:t=main.go:12 err:t=timeout"},
    {"empty_values", "level=info msg= user=\"\"", "-", "info info", "", "user:t="},
    {"one_telling_pair", "level=debug", "-", "debug debug", nullptr},
    {"a_word_between", "level=info starting msg=go", "-", "info info", "go"},
    {"behind_a_time", "2024-03-21T10:30:00Z level=error msg=boom n=1", "2024-03-21T10:30:00Z s", "error error", "boom", "n:t=1"},
    {"escapes", R"(msg="tab\tline\n\u00e9" level=info)", "-", "info info", "tab\tline\n\xc3\xa9"},
};

const Sample no_logfmt_samples[] = {
    {"one_pair", "a=1", "-", "unset ", nullptr},
    {"a_sentence", "x=1 was found where the program wanted y, so it stopped", "-", "unset ", nullptr},
    {"open_quote", "msg=\"never ends because nobody closes it", "-", "unset ", nullptr},
    {"url", "https://a/b?c=d&e=f", "-", "unset ", nullptr},
};

const Sample plain_samples[] = {
    {"python", "2024-03-21 10:30:00,123 ERROR no stock", "2024-03-21T10:30:00.123Z ms?", "error ERROR", "no stock"},
    {"python_with_name", "2024-03-21 10:30:00,123 - shop.api - WARNING - slow", "2024-03-21T10:30:00.123Z ms?", "warn WARNING",
     "shop.api - WARNING - slow"},
    {"python_default", "ERROR:root:no stock", "-", "error ERROR", "root:no stock"},
    {"log4j", "2024-03-21 10:30:00,123 [main] ERROR com.shop.Api - no stock", "2024-03-21T10:30:00.123Z ms?", "error ERROR",
     "com.shop.Api - no stock"},
    {"log4j_level_first", "2024-03-21 10:30:00,123 INFO  [main] c.s.Api: up", "2024-03-21T10:30:00.123Z ms?", "info INFO",
     "[main] c.s.Api: up"},
    {"spring", "2024-03-21T10:30:00.123+01:00  WARN 4711 --- [main] c.s.Api : slow", "2024-03-21T09:30:00.123Z ms", "warn WARN",
     "4711 --- [main] c.s.Api : slow"},
    {"go", "2024/03/21 10:30:00 listening on :80", "2024-03-21T10:30:00Z s?", "unset ", "listening on :80"},
    {"go_microseconds", "2024/03/21 10:30:00.123456 x", "2024-03-21T10:30:00.123456Z us?", "unset ", "x"},
    {"nginx_error", "2024/03/21 10:30:00 [error] 17#17: *1 open() failed", "2024-03-21T10:30:00Z s?", "error error",
     "17#17: *1 open() failed"},
    {"nginx_access", R"(192.0.2.1 - - [21/Mar/2024:10:30:00 +0100] "GET / HTTP/1.1" 500 12)", "2024-03-21T09:30:00Z s", "unset ", nullptr},
    {"apache_error", "[Thu Mar 21 10:30:00.123456 2024] [core:error] [pid 1] AH1: no", "2024-03-21T10:30:00.123456Z us?", "error error",
     "[pid 1] AH1: no"},
    {"klog", "E0321 10:30:00.123456   12345 file.go:12] it broke", "2024-03-21T10:30:00.123456Z us?", "error E", "it broke",
     "thread:t=12345 caller:t=file.go:12"},
    {"glog_with_year", "I20240321 10:30:00.123456 12 main.cc:7] up", "2024-03-21T10:30:00.123456Z us?", "info I", "up",
     "thread:t=12 caller:t=main.cc:7"},
    {"syslog_file", "Mar 21 10:30:00 web1 sshd[99]: Failed password", "2024-03-21T10:30:00Z s?", "unset ", "Failed password",
     "host:t=web1 app:t=sshd pid:t=99"},
    {"syslog_file_level", "Mar  1 10:30:00 web1 app: ERROR: no", "2024-03-01T10:30:00Z s?!", "error ERROR", "no", "host:t=web1 app:t=app"},
    {"syslog_3164", "<34>Mar 21 10:30:00 web1 su: failed", "2024-03-21T10:30:00Z s?", "error ", "failed", "host:t=web1 app:t=su"},
    {"syslog_5424", R"(<165>1 2024-03-21T10:30:00.123Z web1 app 17 ID47 [x@1 a="]\"" b="2"] started)", "2024-03-21T10:30:00.123Z ms",
     "info ", "started", "host:t=web1 app:t=app pid:t=17 msgid:t=ID47"},
    {"syslog_5424_nil", "<11>1 - - - - - -", "-", "error ", "", ""},
    {"cri", "2024-03-21T10:30:00.123456789Z stdout F plain text", "2024-03-21T10:30:00.123456789Z ns", "unset ", "plain text",
     "stream:t=stdout"},
    {"cri_json", R"(2024-03-21T10:30:00.123456789Z stderr F {"level":"error","msg":"m","a":1})", "2024-03-21T10:30:00.123456789Z ns",
     "error error", "m", "stream:t=stderr a:i=1"},
    {"cri_empty", "2024-03-21T10:30:00.123456789Z stdout F ", "2024-03-21T10:30:00.123456789Z ns", "unset ", "", "stream:t=stdout"},
    {"gunicorn", "[2024-03-21 10:30:00 +0000] [17] [INFO] Booting", "2024-03-21T10:30:00Z s", "info INFO", "Booting"},
    {"celery", "[2024-03-21 10:30:00,123: ERROR/ForkPoolWorker-1] Task failed", "2024-03-21T10:30:00.123Z ms?", "error ERROR",
     "Task failed"},
    {"elasticsearch", "[2024-03-21T10:30:00,123][WARN ][o.e.n.Node] [n1] slow", "2024-03-21T10:30:00.123Z ms?", "warn WARN",
     "[o.e.n.Node] [n1] slow"},
    {"loguru", "2024-03-21 10:30:00.123 | INFO     | m:f:1 - up", "2024-03-21T10:30:00.123Z ms?", "info INFO", "m:f:1 - up"},
    {"zap_console", "2024-03-21T10:30:00.123Z\tinfo\tmain.go:1\tup", "2024-03-21T10:30:00.123Z ms", "info info", "main.go:1\tup"},
    {"postgres", "2024-03-21 10:30:00.123 UTC [17] LOG:  ready", "2024-03-21T10:30:00.123Z ms", "info LOG", "ready"},
    {"redis", "1:M 21 Mar 2024 10:30:00.123 * Ready", "-", "unset ", nullptr},
    {"bracket_level", "[ERROR] it broke", "-", "error ERROR", "it broke"},
    {"colour", "\x1b[31mERROR\x1b[0m it broke", "-", "error ERROR", "it broke"},
    {"level_word", "WARN it may break", "-", "warn WARN", "it may break"},
    {"lower_case_needs_a_colon", "error: it broke", "-", "error error", "it broke"},
    {"epoch_prefix", "1711017000.123 up", "2024-03-21T10:30:00.123Z ms", "unset ", "up"},
    {"only_a_time", "2024-03-21T10:30:00Z", "2024-03-21T10:30:00Z s", "unset ", nullptr},
};

const Sample whole_line_samples[] = {
    {"sentence", "error while opening the door", "-", "unset ", nullptr},
    {"capitals_inside", "the word ERROR stands in it", "-", "unset ", nullptr},
    {"name_with_a_level_in_it", "ErrorHandler started", "-", "unset ", nullptr},
    {"indented", "    at com.shop.Api.get(Api.java:12)", "-", "unset ", nullptr},
    {"number", "1234567890", "2009-02-13T23:31:30Z s!", "unset ", nullptr},
    {"angle", "<html>", "-", "unset ", nullptr},
    {"almost_klog", "E0321 is no time", "-", "unset ", nullptr},
    {"brace", "{not json}", "-", "unset ", nullptr},
    {"json_cut", R"({"msg":"m","a":)", "-", "unset ", nullptr},
    {"json_and_more", R"({"msg":"m"} and more})", "-", "unset ", nullptr},
    {"two_objects", R"({"msg":"m"}{"msg":"n"})", "-", "unset ", nullptr},
    {"json_bad_number", R"({"a":01})", "-", "unset ", nullptr},
    {"json_bad_word", R"({"a":nulx})", "-", "unset ", nullptr},
    {"json_bad_nested", R"({"msg":"m","a":{"b":tru}})", "-", "unset ", nullptr},
    {"json_bad_escape", R"({"msg":"\q"})", "-", "unset ", nullptr},
    {"json_control_character", "{\"msg\":\"a\tb\"}", "-", "unset ", nullptr},
    {"json_comma", R"({"a":1,})", "-", "unset ", nullptr},
    {"empty", "", "-", "unset ", nullptr},
};

std::string sample_name(const testing::TestParamInfo<Sample>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Json, Formats, testing::ValuesIn(json_samples), sample_name);
INSTANTIATE_TEST_SUITE_P(Logfmt, Formats, testing::ValuesIn(logfmt_samples), sample_name);
INSTANTIATE_TEST_SUITE_P(NotLogfmt, Formats, testing::ValuesIn(no_logfmt_samples), sample_name);
INSTANTIATE_TEST_SUITE_P(Plain, Formats, testing::ValuesIn(plain_samples), sample_name);
INSTANTIATE_TEST_SUITE_P(WholeLine, Formats, testing::ValuesIn(whole_line_samples), sample_name);

TEST(Ids, AreTakenFromFieldsOfEveryCommonName) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const std::string span = "b7ad6b7169203331";
  const std::string lines[] = {
      R"({"trace_id":")" + trace + R"(","span_id":")" + span + R"(","test_id":"t1"})",
      R"({"traceId":")" + trace + R"(","spanId":")" + span + R"(","testId":"t1"})",
      R"({"trace.id":")" + trace + R"(","span.id":")" + span + R"(","x-test-id":"t1"})",
      R"({"trace":{"id":")" + trace + R"("},"span":{"id":")" + span + R"("},"labels":{"test.case.name":"t1"}})",
      R"({"context":{"trace_id":")" + trace + R"(","span_id":")" + span + R"("},"metadata":{"test_id":"t1"}})",
      R"({"traceparent":"00-)" + trace + "-" + span + R"(-01","baggage":"a=1, test.case.name = t1;p=2,b=3"})",
      "trace_id=" + trace + " span_id=" + span + " baggage=test.case.name=%741",
  };
  for (const std::string& line : lines) {
    const Batch batch = parse_text(line);
    EXPECT_EQ(ids_text(batch, batch.records[0]), trace + "/" + span + "/t1") << line;
  }
}

TEST(Ids, OfTheWrongFormAreAttributesOnly) {
  const Batch batch = parse_text(R"({"trace_id":"12","span_id":"0000000000000000","traceparent":"00-x"})");
  EXPECT_EQ(ids_text(batch, batch.records[0]), "//");
  EXPECT_EQ(batch.records[0].attribute_count, 3u);
}

TEST(Parser, KeepsAttributesInRecordOrder) {
  const Batch batch = parse_text("{\"a\":1,\"b\":2}\nplain\na=1 c=3\n");
  ASSERT_EQ(batch.records.size(), 3u);
  EXPECT_EQ(attributes_text(batch, batch.records[0]), "a:i=1 b:i=2");
  EXPECT_EQ(attributes_text(batch, batch.records[1]), "");
  EXPECT_EQ(attributes_text(batch, batch.records[2]), "a:t=1 c:t=3");
}

TEST(Parser, TakesTheConfiguredZoneForTimesWithoutOne) {
  const Batch batch = parse_text("2024-03-21 10:30:00 x\n2024-03-21 10:30:00Z x\n", {.zone_offset_seconds = 3600});
  EXPECT_EQ(time_text(batch.records[0]), "2024-03-21T09:30:00Z s?");
  EXPECT_EQ(time_text(batch.records[1]), "2024-03-21T10:30:00Z s");
}

TEST(Parser, FlagsTimesOutOfRange) {
  const Batch batch = parse_text("2024-03-14T11:59:59Z a\n2024-03-14T12:00:01Z a\n2024-03-21T12:59:59Z a\n2024-03-21T13:00:01Z a\n");
  EXPECT_TRUE(batch.records[0].has(record::flag_time_out_of_range));
  EXPECT_FALSE(batch.records[1].has(record::flag_time_out_of_range));
  EXPECT_FALSE(batch.records[2].has(record::flag_time_out_of_range));
  EXPECT_TRUE(batch.records[3].has(record::flag_time_out_of_range));
  EXPECT_EQ(batch.records[3].index_time(), test_observed);
}

TEST(Parser, ParsesJsonAroundInvalidUtf8) {
  const Batch batch = parse_text("{\"level\":\"error\",\"msg\":\"caf\xe9 \xc3\xa9\",\"path\":\"\xff\",\"e\":\"\\u0041\xff\"}\n");
  const Record& record = batch.records[0];
  EXPECT_TRUE(record.has(record::flag_invalid_utf8));
  EXPECT_EQ(record.severity, Severity::error);
  EXPECT_EQ(batch.body(record), "caf\xe9 \xc3\xa9");
  EXPECT_EQ(attributes_text(batch, record), "path:t=\xff e:t=A?");
}

TEST(Parser, ReadsNumbersAsNumbers) {
  const Batch batch = parse_text(R"({"i":-9223372036854775808,"u":9223372036854775808,"r":0.25,"b":true})");
  const auto attributes = batch.attributes_of(batch.records[0]);
  EXPECT_EQ(attributes[0].integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_DOUBLE_EQ(attributes[1].real, 9223372036854775808.0);
  EXPECT_DOUBLE_EQ(attributes[2].real, 0.25);
  EXPECT_EQ(attributes[3].integer, 1);
}

TEST(Parser, SurvivesHostileNesting) {
  const std::string deep = "{\"a\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  const std::string open = "{\"a\":" + std::string(400'000, '{');
  const std::string quotes = "{\"" + std::string(400'000, '\\') + "\":1}";
  const Batch batch = parse_text(deep + "\n" + open + "\n" + quotes + "\n");
  ASSERT_EQ(batch.records.size(), 3u);
  EXPECT_EQ(batch.body(batch.records[0]), deep);
  EXPECT_EQ(batch.body(batch.records[1]), open);
  EXPECT_EQ(batch.records[0].attribute_count, 0u);
  EXPECT_EQ(batch.records[1].attribute_count, 0u);
}

TEST(Parser, BoundsTheNumberOfAttributes) {
  std::string line = "{";
  for (int i = 0; i < 5000; ++i) line += "\"k\":1,";
  line += "\"level\":\"error\"}";
  const Batch batch = parse_text(line);
  EXPECT_EQ(batch.records[0].attribute_count, 1024u);
  EXPECT_EQ(batch.records[0].severity, Severity::error);
}

TEST(Parser, RemembersKeysWithoutMixingThemUp) {
  const Batch batch =
      parse_text("{\"level\":\"info\",\"msg\":\"a\"}\n{\"msg\":\"b\",\"level\":\"error\"}\n{\"level\":\"warn\",\"msh\":\"c\"}\n");
  EXPECT_EQ(batch.body(batch.records[1]), "b");
  EXPECT_EQ(batch.records[1].severity, Severity::error);
  EXPECT_EQ(batch.records[2].severity, Severity::warn);
  EXPECT_EQ(attributes_text(batch, batch.records[2]), "msh:t=c");
}

TEST(Parser, ParsesAChangedLineAnew) {
  ParserScratch scratch;
  Parser parser(scratch);
  Batch batch = frame_text("{\"level\":\"error\",\"msg\":\"secret\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}\n");
  parser.parse(batch);
  Record& record = batch.records[0];
  record.flags |= record::flag_redacted;
  const std::string_view changed = "{\"level\":\"warn\",\"msg\":\"***\",\"n\":1}";
  record.line = {static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(changed.size())};
  batch.text.append(changed);
  parser.parse_line(batch, record);
  EXPECT_EQ(batch.body(record), "***");
  EXPECT_EQ(record.severity, Severity::warn);
  EXPECT_TRUE(record.trace_id.empty());
  EXPECT_TRUE(record.has(record::flag_redacted));
  EXPECT_EQ(attributes_text(batch, record), "n:i=1");
}

}  // namespace
}  // namespace telltale::pipeline
