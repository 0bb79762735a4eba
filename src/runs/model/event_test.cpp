#include "runs/model/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using testing::AllOf;
using testing::HasSubstr;

std::string in_body(const std::string& members) {
  return R"({"events":[{"id":"e1","time":"2026-11-25T08:03:12.000000001Z",)" + members + "}]}";
}

Event parsed(const std::string& members) {
  auto events = parse_events(in_body(members));
  EXPECT_TRUE(events.has_value()) << events.error().message();
  return events ? events->front() : Event{};
}

std::string refused(const std::string& body) {
  const auto events = parse_events(body);
  EXPECT_FALSE(events.has_value()) << body;
  return events ? "" : events.error().cause;
}

TEST(Events, ReadARunThatStarts) {
  const Event event = parsed(
      R"("type":"run_started","mono_ns":"12345678901234567","name":"nightly","framework":"pytest","command":"pytest -n 4","folder":"/home/me",
      "output":{"folder":"/home/me/logs","nonce":"abc"},"lifetime":"lease","lease_s":30.5,"remote":true,"unknown":{"a":[1]},
      "services":[{"name":"api","files":["/var/log/api*.log"],"clock_offset_ms":-5000.25,"error_patterns":{"add":["refused"],"ignore":["0 errors"]}},
      {"name":"db","files":[]}])");
  EXPECT_EQ(event.id, "e1");
  EXPECT_EQ(base::format_rfc3339(event.time), "2026-11-25T08:03:12.000000001Z");
  EXPECT_EQ(event.mono_ns, 12345678901234567);
  const auto& run = std::get<RunStarted>(event.body);
  EXPECT_EQ(run.name, "nightly");
  EXPECT_EQ(run.output, (Output{"/home/me/logs", "abc"}));
  EXPECT_EQ(run.lifetime, Lifetime::lease);
  EXPECT_EQ(run.lease_ns, 30'500'000'000);
  EXPECT_FALSE(run.remote) << "only the engine knows where the client is";
  ASSERT_EQ(run.services.size(), 2u);
  EXPECT_EQ(run.services[0].clock_offset_ns, -5'000'250'000);
  EXPECT_EQ(run.services[0].error_patterns->add, std::vector<std::string>{"refused"});
  EXPECT_EQ(run.services[0].error_patterns->ignore, std::vector<std::string>{"0 errors"});
  EXPECT_FALSE(run.services[1].error_patterns.has_value());
}

TEST(Events, ReadATestThatEnds) {
  const Event event = parsed(
      R"("type":"test_finished","test":"0123456789abcdef","outcome":"xfailed","duration_ms":1.000001,"message":"m",
      "phases":[{"name":"setup","outcome":"passed","started":"2026-11-25T08:03:12Z","duration_ms":2}])");
  const auto& test = std::get<TestFinished>(event.body);
  EXPECT_EQ(test.outcome, TestOutcome::xfailed);
  EXPECT_EQ(test.duration_ns, 1'000'001);
  ASSERT_EQ(test.phases.size(), 1u);
  EXPECT_EQ(test.phases[0].name, PhaseName::setup);
  EXPECT_EQ(test.phases[0].duration_ns, 2'000'000);
}

TEST(Events, TraceIdsAreCompareableWhateverTheirCase) {
  const Event event = parsed(R"("type":"trace","test":"t","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736")");
  EXPECT_EQ(std::get<TraceNoted>(event.body).trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Events, ALongMessageLosesItsEndAtACharacter) {
  std::string message;
  for (int i = 0; i < 3000; ++i) message += "é";
  const Event event = parsed(R"("type":"test_finished","test":"t","outcome":"failed","message":")" + message + "\"");
  const std::string& kept = std::get<TestFinished>(event.body).message;
  EXPECT_LE(kept.size(), max_message_bytes);
  EXPECT_GE(kept.size(), max_message_bytes - 4);
  EXPECT_TRUE(base::is_valid_utf8(kept));
  EXPECT_TRUE(kept.ends_with("…"));
}

// What is refused, and the words that the message must hold: the event's number, the member and what is allowed.
TEST(Events, AWrongMemberIsNamedWithWhatIsAllowed) {
  struct Case {
    const char* members;
    std::vector<const char*> words;
  };
  const std::vector<Case> cases = {
      {R"("type":"run_begun")", {"event 0", "'type'", "run_begun", "run_started"}},
      {R"("type":"resumed")", {"'type'", "resumed"}},
      {R"("name":"x")", {"'type'", "missing"}},
      {R"("type":"run_finished","outcome":"good")", {"'outcome'", "good", "passed failed error interrupted no_tests"}},
      {R"("type":"run_finished","outcome":"none")", {"'outcome'", "none"}},
      {R"("type":"run_finished","outcome":"passed","exit_code":"0")", {"'exit_code'", "integer"}},
      {R"("type":"worker_started","worker":"a/b")", {"'worker'", "a/b"}},
      {R"("type":"test_started","test":"../x","node_id":"n","worker":"w")", {"'test'", "../x"}},
      {R"("type":"test_started","test":"t","worker":"w")", {"'node_id'", "missing"}},
      {R"("type":"test_started","test":"t","node_id":"n","worker":"w","attempt":0)", {"'attempt'", "1 to"}},
      {R"("type":"test_started","test":"t","node_id":"n","worker":"w","file_stem":"a/b")", {"'file_stem'", "slash"}},
      {R"("type":"test_started","test":"t","node_id":"n","worker":"w","trace_id":"xyz")", {"'trace_id'", "32 hexadecimal"}},
      {R"("type":"test_finished","test":"t","outcome":"failed","duration_ms":-1)", {"'duration_ms'", "number"}},
      {R"("type":"test_finished","test":"t","outcome":"failed","phases":[{"name":"body"}])",
       {"phases[0]", "'name'", "setup call teardown"}},
      {R"("type":"isolation","labels":{"pod":"a"})", {"'test'", "exactly one"}},
      {R"("type":"isolation","labels":{},"test":"t")", {"'labels'"}},
      {R"("type":"isolation","labels":{"pod":1},"test":"t")", {"'labels'", "text"}},
      {R"("type":"clock_offset","labels":{"host":"a"},"offset_ms":1e99,"method":"measured")", {"'offset_ms'"}},
      {R"("type":"clock_offset","labels":{"host":"a"},"offset_ms":1,"method":"guessed")", {"'method'", "measured configured estimated"}},
      {R"("type":"watch","services":[{"name":"a","files":["relative.log"]}])", {"services[0]", "'files'", "relative.log"}},
      {R"("type":"watch","services":[{"name":"a","files":[],"error_patterns":{"ignore":["x"," "]}}])",
       {"services[0]", "error_patterns", "'ignore'", "blank"}},
      {R"("type":"watch","services":[{"name":"a","files":["/a/[b"]}])", {"services[0]", "'files'", "/a/[b"}},
      {R"("type":"watch","services":[])", {"'services'", "empty"}},
      {R"("type":"watch","services":[7])", {"'services'", "object"}},
      {R"("type":"run_started","output":{"folder":"logs","nonce":"n"})", {"output", "'folder'", "absolute"}},
      {R"("type":"run_started","lease_s":0)", {"'lease_s'", "number"}},
      {R"("type":"run_started","mono_ns":"1.5")", {"'mono_ns'", "decimal"}},
  };
  for (const Case& one : cases) {
    const std::string cause = refused(in_body(one.members));
    for (const char* const word : one.words) EXPECT_THAT(cause, HasSubstr(word)) << one.members;
  }
}

TEST(Events, CommonMembersAreNeeded) {
  EXPECT_THAT(refused(R"({"events":[{"type":"worker_started","worker":"w","time":"2026-11-25T08:03:12Z"}]})"), HasSubstr("'id'"));
  EXPECT_THAT(refused(R"({"events":[{"type":"worker_started","worker":"w","id":"e"}]})"), HasSubstr("'time'"));
  EXPECT_THAT(refused(R"({"events":[{"type":"worker_started","worker":"w","id":"e","time":"yesterday"}]})"),
              AllOf(HasSubstr("'time'"), HasSubstr("yesterday"), HasSubstr("RFC 3339")));
}

TEST(Events, TheSecondEventIsNamedWhenItIsWrong) {
  const std::string good = R"({"id":"a","type":"worker_started","worker":"w","time":"2026-11-25T08:03:12Z"})";
  EXPECT_THAT(refused("{\"events\":[" + good + ",{}]}"), HasSubstr("event 1"));
  EXPECT_THAT(refused("{\"events\":[" + good + ",5]}"), HasSubstr("event 1"));
}

TEST(Events, TheBodyIsAListOfOneToAThousand) {
  EXPECT_EQ(parse_events("{").error().code, ErrorCode::malformed_request);
  EXPECT_THAT(refused("[]"), HasSubstr("events"));
  EXPECT_THAT(refused(R"({"events":[]})"), HasSubstr("1 to 1000"));
  std::string many = R"({"events":[)";
  for (int i = 0; i < 1001; ++i) many += i == 0 ? "{}" : ",{}";
  EXPECT_THAT(refused(many + "]}"), HasSubstr("1 to 1000"));
}

TEST(Events, WhatIsPrintedReadsBackEqual) {
  const Service service{"api", {"/var/log/*.log"}, -1'500'000, ErrorPatterns{{"a"}, {"b"}, {"c"}}};
  const record::Labels labels({{"pod", "p-1"}, {"namespace", "n \"x\""}});
  const std::vector<EventBody> bodies = {
      RunStarted{"n", "pytest", "8", "cmd\n", "/f", "h", "e", Output{"/o", "x"}, {service}, Lifetime::lease, 1'500'000'000, true},
      RunStarted{},
      RunFinished{RunOutcome::no_tests, -11},
      RunFinished{RunOutcome::interrupted, std::nullopt},
      WorkerStarted{"gw0"},
      WorkerFinished{"gw0", WorkerOutcome::crashed},
      TestStarted{"t1", "a.py::test[ü]", "test", 3, "gw1", "stem", "4bf92f3577b34da6a3ce929d0e0e4736"},
      TestFinished{
          "t1", TestOutcome::rerun, 123'456'789, "m\"\\\n", {{PhaseName::teardown, TestOutcome::error, 1'700'000'000'123'456'789, 1}}},
      TraceNoted{"t1", "4bf92f3577b34da6a3ce929d0e0e4736"},
      Isolation{labels, "t1", ""},
      Isolation{labels, "", "gw0"},
      ClockOffset{labels, -5'000'000'001, 20'000'000, OffsetMethod::estimated},
      Watch{{service}, "t1"},
      Resumed{"gw0"},
      Resumed{},
  };
  for (const EventBody& body : bodies) {
    Event event{"id", 1'764'057'792'000'000'001, std::nullopt, EndReason::none, body};
    for (const bool by_engine : {false, true}) {
      if (by_engine) event.reason = EndReason::lease_expired;
      event.mono_ns = by_engine ? std::nullopt : std::optional<std::int64_t>(-7);
      std::string text;
      append_event(text, event);
      const auto back = parse_event(text, 0, true);
      ASSERT_TRUE(back.has_value()) << text << ": " << back.error().message();
      EXPECT_EQ(*back, event) << text;
      EXPECT_FALSE(text.contains('\n'));
    }
  }
}

TEST(Events, AClientCannotSpeakForTheEngine) {
  const Event event = parsed(R"("type":"worker_finished","worker":"w","outcome":"crashed","reason":"lease_expired")");
  EXPECT_EQ(event.reason, EndReason::none);
}

TEST(Ids, AreSafeInHeadersAndPaths) {
  EXPECT_TRUE(is_run_id("20261125T080312-7f3a9c"));
  EXPECT_TRUE(is_run_id("a.b_c-d"));
  for (const char* const bad : {"", ".hidden", "-x", "a/b", "a b", "a\nb", "ü"}) EXPECT_FALSE(is_run_id(bad)) << bad;
  EXPECT_FALSE(is_run_id(std::string(65, 'a')));
  EXPECT_TRUE(is_test_id("0123456789abcdef"));
  EXPECT_FALSE(is_test_id("a/b"));
  EXPECT_FALSE(is_trace_id("00000000000000000000000000000000"));
  EXPECT_FALSE(is_trace_id("4BF92F3577B34DA6A3CE929D0E0E4736"));
}

}  // namespace
}  // namespace telltale::runs
