#include "pipeline/redact/redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "pipeline/testing/secret_samples.h"
#include "pipeline/testing/testing_redactor.h"

namespace telltale::pipeline {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string marker(std::string_view rule) {
  return "[REDACTED:" + std::string(rule) + "]";
}

TEST(RedactionRules, EachTakesItsSecretsOut) {
  TestingRedactor redact;
  for (const RuleSamples& rule : rule_samples()) {
    SecretMaker make(7);
    EXPECT_GE(rule.positives.size(), 3u) << rule.rule;
    for (int round = 0; round < 5; ++round) {
      for (const auto& positive : rule.positives) {
        const Sample sample = positive(make);
        const std::string out = redact(sample.text);
        EXPECT_THAT(out, Not(HasSubstr(sample.secret))) << rule.rule << ": " << sample.text;
        EXPECT_THAT(out, HasSubstr("[REDACTED:")) << rule.rule << ": " << sample.text;
        EXPECT_EQ(redact(out), out) << "a second time changes nothing: " << rule.rule;
      }
    }
  }
}

TEST(RedactionRules, EachLeavesTheRestAlone) {
  TestingRedactor redact;
  for (const RuleSamples& rule : rule_samples()) {
    SecretMaker make(8);
    EXPECT_GE(rule.negatives.size(), 3u) << rule.rule;
    for (const auto& negative : rule.negatives) {
      const std::string text = negative(make);
      EXPECT_EQ(redact(text), text) << rule.rule;
    }
  }
}

// A rule's samples are found by that rule and not by chance by another one, when the others are off.
TEST(RedactionRules, EachWorksAlone) {
  std::vector<std::string> names;
  for (const RuleSpec& spec : builtin_rules()) names.emplace_back(spec.name);
  for (const FieldGroup& group : builtin_field_groups()) names.emplace_back(group.name);
  for (const RuleSamples& rule : rule_samples()) {
    config::RedactionConfig config;
    for (const std::string& name : names) {
      if (name != rule.rule) config.disable.push_back(name);
    }
    TestingRedactor redact(config);
    SecretMaker make(9);
    for (const auto& positive : rule.positives) {
      const Sample sample = positive(make);
      EXPECT_THAT(redact(sample.text), HasSubstr(marker(rule.rule))) << sample.text;
    }
  }
}

TEST(RedactionRules, EachBuiltInRuleHasSamples) {
  std::set<std::string_view> sampled;
  for (const RuleSamples& rule : rule_samples()) sampled.insert(rule.rule);
  for (const RuleSpec& spec : builtin_rules()) EXPECT_TRUE(sampled.contains(spec.name)) << spec.name;
  for (const FieldGroup& group : builtin_field_groups()) EXPECT_TRUE(sampled.contains(group.name)) << group.name;
  EXPECT_GE(sampled.size(), 40u);
}

TEST(Redactor, JsonStaysJson) {
  TestingRedactor redact;
  EXPECT_EQ(redact(R"({"password":"a\"b","user":"x"})"), R"({"password":"[REDACTED:password]","user":"x"})");
  EXPECT_EQ(redact(R"({"password":12345,"user":"x"})"), R"({"password":"[REDACTED:password]","user":"x"})");
  EXPECT_EQ(redact(R"({"m":"{\"password\":12345}"})"), R"({"m":"{\"password\":\"[REDACTED:password]\"}"})");
  EXPECT_EQ(redact(R"({"password":{"a":1},"cookie":["a=1","b=2"]})"),
            R"({"password":{"a":1},"cookie":["[REDACTED:cookie]","[REDACTED:cookie]"]})");
  EXPECT_EQ(redact(R"({"password" : "x", "ok":true})"), R"({"password" : "[REDACTED:password]", "ok":true})");
}

TEST(Redactor, EscapesInJsonHideNothing) {
  TestingRedactor redact;
  SecretMaker make(1);
  const std::string secret = make.alnum(36);
  EXPECT_EQ(redact(R"({"m":"x gh\u0070_)" + secret + R"( y"})"), R"({"m":"[REDACTED:github-token]"})");
  EXPECT_EQ(redact(R"({"pass\u0077ord":"hunter2"})"), R"({"pass\u0077ord":"[REDACTED:password]"})");
  EXPECT_EQ(redact(R"({"m":"plain \u00e9 text"})"), R"({"m":"plain \u00e9 text"})");
}

TEST(Redactor, LogfmtAndQueryStringsKeepTheirOtherFields) {
  TestingRedactor redact;
  EXPECT_EQ(redact("user=x password=hunter2 n=1"), "user=x password=[REDACTED:password] n=1");
  EXPECT_EQ(redact("user=x password=\"a b\" n=1"), "user=x password=\"[REDACTED:password]\" n=1");
  EXPECT_EQ(redact("GET /x?a=1&access_token=abcd1234&b=2 200"), "GET /x?a=1&access_token=[REDACTED:token]&b=2 200");
  EXPECT_EQ(redact("jdbc:sqlserver://h;user=sa;password=P@ss,w0rd;encrypt=true"),
            "jdbc:sqlserver://h;user=sa;password=[REDACTED:password];encrypt=true");
  EXPECT_EQ(redact("tool --password hunter2 --verbose"), "tool --password [REDACTED:password] --verbose");
  EXPECT_EQ(redact("PASSWORD: HUNTER2"), "PASSWORD: [REDACTED:password]");
}

TEST(Redactor, ColoursInsideASecretAreNoHiding) {
  TestingRedactor redact;
  EXPECT_EQ(redact("\x1b[36mpassword\x1b[0m=\x1b[1mhunter2\x1b[0m end"), "\x1b[36mpassword\x1b[0m=\x1b[1m[REDACTED:password]\x1b[0m end");
  SecretMaker make(2);
  const std::string a = make.alnum(18);
  const std::string b = make.alnum(18);
  EXPECT_EQ(redact("gh"
                   "p_" +
                   a + "\x1b[31m" + b + "."),
            marker("github-token") + ".");
}

TEST(Redactor, OverlappingSecretsAreOne) {
  TestingRedactor redact;
  SecretMaker make(3);
  EXPECT_EQ(redact("Authorization: Bearer " + make.alnum(30)), "Authorization: [REDACTED:authorization]");
  EXPECT_EQ(redact("token=gh"
                   "p_" +
                   make.alnum(36)),
            "token=" + marker("github-token"));
}

TEST(Redactor, WhatLooksLikeAMarkerHidesNothing) {
  TestingRedactor redact;
  EXPECT_EQ(redact("password=[REDACTED:password]"), "password=[REDACTED:password]");
  EXPECT_EQ(redact("(password=[REDACTED:password], user=[REDACTED:email])"), "(password=[REDACTED:password], user=[REDACTED:email])");
  EXPECT_EQ(redact("password=[REDACTED:x]hunter2aB"), "password=[REDACTED:password]");
  EXPECT_EQ(redact("password=[REDACTED:x][REDACTED:y]hunter2aB"), "password=[REDACTED:password]");
  EXPECT_EQ(redact("password=[REDACTED:hunter2aB"), "password=[[REDACTED:password]");
  EXPECT_EQ(redact(R"({"password": "[REDACTED:x] hunter2aB"})"), R"({"password": "[REDACTED:password]"})");
  EXPECT_EQ(redact("Cookie: [REDACTED:x]; sid=hunter2aB"), "Cookie: [REDACTED:cookie]");
  EXPECT_EQ(redact("[REDACTED:password=hunter2aB]"), "[REDACTED:password=[REDACTED:password]]");
  const std::string nested =
      redact(R"(cookie:a[REDACTED:"cookie:"=[REDACTED:"cookie:a[REDACTED:"cookie:"a[REDACTED:"cookie:a[REDACTED:"cookie:"])");
  EXPECT_EQ(redact(nested), nested);
}

TEST(Redactor, WhatComesToNoEndIsTakenOutToTheEndOfTheLine) {
  TestingRedactor redact;
  std::string line = "://PWD::";
  for (int i = 0; i < 50; ++i) line += "@/]";
  const std::string once = redact(line + "@ and so on");
  EXPECT_EQ(once, "://PWD:[REDACTED:password]");
  EXPECT_EQ(redact(once), once);
  EXPECT_EQ(redact("\"\\u0070assw:/" + line), "\"[REDACTED:password]") << "what stands before it is looked at again";
}

TEST(Redactor, MarkersStayWhole) {
  TestingRedactor redact;
  EXPECT_EQ(redact("://PWD=@]@"), "://PWD=[REDACTED:password]");
  EXPECT_EQ(redact("https://u[REDACTED:email]:pw@host"), "https://u[REDACTED:url-credentials]@host");
}

TEST(Redactor, PrivateKeyOverManyLines) {
  TestingRedactor redact;
  SecretMaker make(4);
  RedactState state;
  EXPECT_EQ(redact.next_line("loading -----BEGIN EC PRIVATE KEY-----", state), "loading " + marker("private-key"));
  EXPECT_TRUE(state.in_private_key);
  EXPECT_EQ(redact.next_line("Proc-Type: 4,ENCRYPTED", state).find("4,") == std::string::npos, false);
  EXPECT_EQ(redact.next_line(make.base64(64), state), marker("private-key"));
  EXPECT_EQ(redact.next_line("2026-11-21 app: " + make.base64(64), state), "2026-11-21 app: " + marker("private-key"));
  EXPECT_EQ(redact.next_line("an unrelated line (between).", state), "an unrelated line (between).");
  EXPECT_EQ(redact.next_line("ab==", state), marker("private-key"));
  EXPECT_EQ(redact.next_line("-----END EC PRIVATE KEY-----", state), "-----END EC PRIVATE KEY-----");
  EXPECT_FALSE(state.in_private_key);
  const std::string after = make.base64(64);
  EXPECT_EQ(redact.next_line(after, state), after);
}

TEST(Redactor, PrivateKeyWithoutEndIsGivenUp) {
  TestingRedactor redact;
  RedactState state;
  redact.next_line("-----BEGIN PRIVATE KEY-----", state);
  for (int i = 0; i < 5; ++i) redact.next_line("quite other text, again (and again).", state);
  EXPECT_FALSE(state.in_private_key);
}

TEST(Redactor, RulesOfTheUser) {
  config::RedactionConfig config;
  config.add = {{"ticket", "TKT-[0-9]{6}", {}}, {"pin", "pin ([0-9]{4})\\b", {"pin"}}};
  config.field_names = {"ssn", "X-Internal-Id"};
  config.disable = {"email"};
  TestingRedactor redact(config);
  EXPECT_EQ(redact("see tkt TKT-123456 and pin 4711"), "see tkt [REDACTED:ticket] and pin [REDACTED:pin]");
  EXPECT_EQ(redact(R"({"SSN":"123-45-6789","x_internal_id":"abc"})"), R"({"SSN":"[REDACTED:field]","x_internal_id":"abc"})");
  EXPECT_EQ(redact("x-internal-id=abc"), "x-internal-id=[REDACTED:field]");
  EXPECT_EQ(redact("mail a@example.org"), "mail a@example.org");
  EXPECT_THAT(redact.metrics().prometheus_text(), HasSubstr("telltale_redaction_replacements_total{rule=\"ticket\"} 1"));
}

TEST(Redactor, ARuleWithoutLiteralSeesEveryLine) {
  config::RedactionConfig config;
  config.add = {{"number", "[0-9]{7}", {}}};
  TestingRedactor redact(config);
  EXPECT_EQ(redact("call 5551234 now"), "call [REDACTED:number] now");
}

TEST(Redactor, MistakesInRulesAreNamed) {
  const auto error_of = [](const config::RedactionConfig& config) {
    ScannerBuilder builder;
    telemetry::Metrics metrics;
    const auto made = Redactor::make(config, builder, metrics);
    EXPECT_FALSE(made.has_value());
    if (made) return std::string();
    EXPECT_EQ(made.error().code, base::ErrorCode::rule_invalid);
    return made.error().message();
  };
  config::RedactionConfig config;
  config.add = {{"broken", "a(b", {}}};
  EXPECT_THAT(error_of(config), testing::AllOf(HasSubstr("broken"), HasSubstr("a(b"), HasSubstr("missing )")));
  config.add = {{"jwt", "abc", {}}};
  EXPECT_THAT(error_of(config), HasSubstr("already a rule 'jwt'"));
  config.add = {{"with space", "abc", {}}};
  EXPECT_THAT(error_of(config), HasSubstr("with space"));
  config.add = {};
  config.disable = {"emial"};
  EXPECT_THAT(error_of(config), testing::AllOf(HasSubstr("emial"), HasSubstr("'email'")));
}

TEST(Redactor, OffMeansOff) {
  config::RedactionConfig config;
  config.enabled = false;
  TestingRedactor redact(config);
  EXPECT_EQ(redact("password=hunter2"), "password=hunter2");
}

// Adversarial lines: a million bytes of near-misses take time in proportion. A quadratic way would take hours.
TEST(Redactor, LongLinesTakeLinearTime) {
  TestingRedactor redact;
  for (const std::string piece : {"eyJaaaaaaaaaa.", "token=", "a@", "session=", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "sk-",
                                  "://a:b", "\"password\":\"", "4111 ", "DE11 AAAA ", "\\u00"}) {
    std::string line;
    while (line.size() < 300'000) line += piece;
    redact(line);
  }
}

}  // namespace
}  // namespace telltale::pipeline
