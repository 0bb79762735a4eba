#include "pipeline/testing/secret_samples.h"

#include <utility>

namespace telltale::pipeline {
namespace {

using Make = std::function<std::string(SecretMaker&)>;
using Positive = std::function<Sample(SecretMaker&)>;

Positive in(std::string before, Make secret, std::string after) {
  return [=](SecretMaker& m) {
    const std::string made = secret(m);
    return Sample{before + made + after, made};
  };
}

// A token that is recognised by its own form, in the places where tokens stand; and what only looks a little like it.
RuleSamples token(std::string_view rule, Make secret, std::vector<Make> negatives) {
  return {rule,
          {in("using ", secret, " now"), in("{\"message\":\"sent ", secret, "\",\"n\":1}"), in("value=", secret, ""),
           in("line\\n", secret, "\\n"), in("(", secret, ")."), in("\x1b[31m", secret, "\x1b[0m"), in("q%3D", secret, "%26x=1")},
          std::move(negatives)};
}

// `prefix` with `size` characters; also what is too short, what is inside a longer word, and the prefix in prose.
RuleSamples prefixed(std::string_view rule, std::string prefix, Make tail) {
  const Make secret = [=](SecretMaker& m) { return prefix + tail(m); };
  return token(rule, secret,
               {[=](SecretMaker& m) { return "short " + prefix + tail(m).substr(0, 6) + " end"; },
                [=](SecretMaker& m) { return "aB" + prefix + tail(m); },
                [=](SecretMaker&) { return "keys begin with " + prefix + " as documented"; }});
}

Make alnum(std::size_t n) {
  return [=](SecretMaker& m) { return m.alnum(n); };
}
Make hex(std::size_t n) {
  return [=](SecretMaker& m) { return m.hex(n); };
}

Make text(std::string fixed) {
  return [=](SecretMaker&) { return fixed; };
}

RuleSamples field(std::string_view rule, const std::string& name, Make secret, std::vector<std::string> negatives) {
  RuleSamples samples{rule,
                      {in("{\"" + name + "\":\"", secret, "\",\"n\":1}"), in("login " + name + "=", secret, " ok"),
                       in("{\"msg\":\"{\\\"" + name + "\\\":\\\"", secret, "\\\"}\"}"), in("{'" + name + "': '", secret, "'}"),
                       in(name + ": ", secret, ""), in("\x1b[36m" + name + "\x1b[0m=", secret, " ok")},
                      {}};
  for (const std::string& negative : negatives) samples.negatives.push_back(text(negative));
  return samples;
}

std::vector<RuleSamples> general() {
  const Make jwt = [](SecretMaker& m) { return "eyJ" + m.alnum(20) + ".eyJ" + m.alnum(40) + "." + m.alnum(43); };
  return {
      token("jwt", jwt,
            {text("eyJ is how they begin"), [](SecretMaker& m) { return "eyJ" + m.alnum(40); },
             [](SecretMaker& m) { return "eyJ" + m.alnum(4) + "." + m.alnum(4); }}),
      {"private-key",
       {[](SecretMaker& m) {
          const std::string key = m.private_key(4);
          return Sample{"key:\n" + key + "\nend", key};
        },
        [](SecretMaker& m) {
          const std::string key = m.private_key(4, "\\n");
          return Sample{"{\"pem\":\"" + key + "\"}", key};
        },
        [](SecretMaker& m) {
          const std::string key = m.private_key(4, "\n", "ENCRYPTED ");
          return Sample{key, key};
        }},
       {text("-----BEGIN CERTIFICATE-----"), text("-----BEGIN PUBLIC KEY-----"), text("no PRIVATE KEY was found")}},
      prefixed("age-key", "AGE-SECRET-KEY-1", [](SecretMaker& m) { return m.base32(58); }),
      {"bearer-token",
       {in("sent Bearer ", alnum(32), " to host"), in("{\"h\":\"bearer ", alnum(40), "\"}"),
        in("curl -H 'X-Auth: Bearer ", alnum(24), "'")},
       {text("bearer authentication is required"), text("the bearer of this message"), text("Bearer <token>")}},
      {"basic-auth",
       {in("header Basic ",
           text("dXNlcjpwYXNz"
                "d29yZDE="),
           " sent"),
        in("{\"h\":\"Basic ",
           text("YWRtaW46aHVu"
                "dGVyMg=="),
           "\"}"),
        in("basic ",
           text("Zm9vOmJhcmJh"
                "eg=="),
           "")},
       {text("a basic understanding of things"), text("Basic configuration loaded"), text("basic auth disabled")}},
      {"database-url",
       {in("dsn postgres://app:", alnum(16), "@db:5432/shop"), in("{\"url\":\"mongodb+srv://u:", alnum(12), "@cluster.example.net/x\"}"),
        in("redis://:", alnum(20), "@cache:6379/0"), in("jdbc:mysql://root:", alnum(10), "@host/db"),
        in("{\"u\":\"amqp:\\/\\/guest:", alnum(10), "@mq\\/vhost\"}")},
       {text("postgres://db:5432/shop"), text("redis://cache:6379/0"), text("mongodb://app@db/shop")}},
      {"url-credentials",
       {in("GET https://user:", alnum(12), "@example.org/path"), in("clone http://bot:", alnum(20), "@git.example.org"),
        in("{\"proxy\":\"http://p:", alnum(8), "@10.0.0.1:3128\"}"), in("ftp://u:ab@", alnum(8), "@host/")},
       {text("https://example.org:8443/@user"), text("http://host:80/path"), text("see https://example.org/a:b")}},
      {"credit-card",
       {in(
            "paid with ", [](SecretMaker& m) { return m.card(); }, " ok"),
        in(
            "{\"pan\":\"", [](SecretMaker& m) { return m.card(); }, "\"}"),
        in(
            "{\"pan\":", [](SecretMaker& m) { return m.card(); }, ",\"n\":1}")},
       {text("order 4111111111111112 done"), text("at 1700000000000 ms"), text("id 12345678901234567890")}},
      {"iban",
       {in(
            "to ", [](SecretMaker& m) { return m.iban(); }, " ok"),
        in(
            "{\"account\":\"", [](SecretMaker& m) { return m.iban(); }, "\"}"),
        in(
            "iban=", [](SecretMaker& m) { return m.iban(); }, "")},
       {text("DE00370400440532013000"), text("XX82WEST12345698765432"), text("GB82 WEST 1234")}},
      {"email",
       {in(
            "mail to ", [](SecretMaker& m) { return m.letters(8) + "@example.org"; }, " sent"),
        in(
            "{\"u\":\"", [](SecretMaker& m) { return m.letters(5) + ".x+tag@mail.example.co.uk"; }, "\"}"),
        in(
            "<", [](SecretMaker& m) { return m.letters(9) + "@test.example"; }, ">")},
       {text("java.lang.Object@1f2e3d"), text("QuorumPeer[myid=1]@774"), text("icon@2x.png loaded"), text("user@localhost")}},
  };
}

std::vector<RuleSamples> code_hosts() {
  return {
      prefixed("github-token",
               "gh"
               "p_",
               alnum(36)),
      prefixed("github-fine-grained-token",
               "github_"
               "pat_",
               alnum(60)),
      prefixed("gitlab-token",
               "gl"
               "pat-",
               alnum(20)),
      prefixed("npm-token",
               "np"
               "m_",
               alnum(36)),
      prefixed("pypi-token",
               "pypi-"
               "AgE",
               alnum(60)),
      prefixed("rubygems-token",
               "ruby"
               "gems_",
               hex(48)),
      prefixed("docker-hub-token",
               "dckr_"
               "pat_",
               alnum(27)),
      prefixed("postman-key",
               "PM"
               "AK-",
               [](SecretMaker& m) { return m.hex(24) + "-" + m.hex(34); }),
      prefixed("linear-key",
               "lin_"
               "api_",
               alnum(40)),
      prefixed("doppler-token",
               "dp."
               "pt.",
               alnum(43)),
      prefixed("hugging-face-token",
               "h"
               "f_",
               alnum(34)),
      prefixed("anthropic-key",
               "sk-"
               "ant-",
               [](SecretMaker& m) { return "api03-" + m.alnum(60); }),
      prefixed("openai-key",
               "s"
               "k-",
               [](SecretMaker& m) { return "proj-" + m.alnum(40) + "7"; }),
  };
}

std::vector<RuleSamples> cloud() {
  return {
      prefixed("aws-access-key-id",
               "AK"
               "IA",
               [](SecretMaker& m) { return m.base32(16); }),
      {"aws-secret-key",
       {in(
            "aws_secret_access_key = ", [](SecretMaker& m) { return m.base64(40); }, ""),
        in(
            "secret key: '", [](SecretMaker& m) { return m.base64(40); }, "'"),
        in(
            "SecretAccessKey -> ", [](SecretMaker& m) { return m.base64(40); }, " end")},
       {text("secret key rotation is planned for tomorrow"), text("the secret key is missing"), text("secretKeyRef resolved")}},
      prefixed("google-api-key",
               "AI"
               "za",
               alnum(35)),
      prefixed("google-oauth-token",
               "ya"
               "29.",
               alnum(60)),
      {"azure-storage-key",
       {in(
            "AccountName=x;AccountKey=", [](SecretMaker& m) { return m.base64(86) + "=="; }, ";EndpointSuffix=y"),
        in(
            "SharedAccessKey=", [](SecretMaker& m) { return m.base64(43) + "="; }, ""),
        in(
            "{\"c\":\"accountkey=", [](SecretMaker& m) { return m.base64(88); }, "\"}")},
       {text("AccountKey=<key>"), text("set AccountKey first"), text("SharedAccessKeyName=root")}},
      {"azure-sas",
       {in(
            "https://x.blob.example/c?sv=1&sig=", [](SecretMaker& m) { return m.alnum(43) + "%3D"; }, "&se=2"),
        in("?sig=", alnum(44), ""), in("{\"u\":\"a?b=1&sig=", alnum(50), "\"}")},
       {text("https://x/?sig=abc"), text("sig=none"), text("&sig=")}},
      token("azure-client-secret", [](SecretMaker& m) { return m.alnum(3) + "8Q~" + m.alnum(34); },
            {text("8Q~ is a mark"), [](SecretMaker& m) { return "x 8Q~" + m.alnum(12); }, text("7Q~")}),
      prefixed("digitalocean-token",
               "dop_"
               "v1_",
               hex(64)),
      prefixed("heroku-api-key",
               "HR"
               "KU-",
               alnum(60)),
      {"heroku-api-key-uuid",
       {in(
            "heroku_api_key=", [](SecretMaker& m) { return m.uuid(); }, ""),
        in(
            "HEROKU_KEY: \"", [](SecretMaker& m) { return m.uuid(); }, "\""),
        in(
            "heroku auth = ", [](SecretMaker& m) { return m.uuid(); }, " ok")},
       {text("deployed to heroku, release 12"), [](SecretMaker& m) { return "heroku request " + m.uuid(); }, text("heroku: done")}},
      prefixed("databricks-token",
               "da"
               "pi",
               hex(32)),
      prefixed("vault-token",
               "hv"
               "s.",
               alnum(90)),
      token("terraform-token",
            [](SecretMaker& m) {
              return m.alnum(14) +
                     ".atlas"
                     "v1." +
                     m.alnum(67);
            },
            {text(".atlasv1. is its mark"), [](SecretMaker& m) { return "x.atlasv1." + m.alnum(10); }, text("see atlasv1.txt")}),
      prefixed("planetscale-token",
               "pscale_"
               "tkn_",
               alnum(43)),
  };
}

std::vector<RuleSamples> services() {
  return {
      prefixed("slack-token",
               "xo"
               "xb-",
               [](SecretMaker& m) { return m.digits(12) + "-" + m.digits(12) + "-" + m.alnum(24); }),
      {"slack-webhook",
       {in(
            "POST https://hooks.slack.com/services",
            [](SecretMaker& m) { return "/T" + m.alnum(8) + "/B" + m.alnum(8) + "/" + m.alnum(24); }, " 200"),
        in(
            "{\"u\":\"https:\\/\\/hooks.slack.com\\/services",
            [](SecretMaker& m) { return "\\/T" + m.alnum(8) + "\\/B" + m.alnum(8) + "\\/" + m.alnum(24); }, "\"}"),
        in(
            "hooks.slack.com/workflows", [](SecretMaker& m) { return "/T" + m.alnum(8) + "/A" + m.alnum(8) + "/" + m.alnum(20); }, "")},
       {text("see hooks.slack.com for details"), text("https://hooks.slack.com/docs"), text("resolving hooks.slack.com: 10.0.0.1")}},
      prefixed("stripe-key",
               "sk_"
               "live_",
               alnum(24)),
      prefixed("twilio-key",
               "S"
               "K",
               hex(32)),
      token("sendgrid-key",
            [](SecretMaker& m) {
              return "S"
                     "G." +
                     m.alnum(22) + "." + m.alnum(43);
            },
            {text("SG.x"), [](SecretMaker& m) { return "MSG." + m.alnum(22) + "." + m.alnum(43); },
             [](SecretMaker& m) { return "SG." + m.alnum(22); }}),
      prefixed("mailgun-key",
               "ke"
               "y-",
               hex(32)),
      prefixed("brevo-key",
               "xkey"
               "sib-",
               [](SecretMaker& m) { return m.hex(64) + "-" + m.alnum(16); }),
      prefixed("shopify-token",
               "shp"
               "at_",
               hex(32)),
      prefixed("square-token",
               "sq0"
               "atp-",
               alnum(22)),
      token("telegram-bot-token",
            [](SecretMaker& m) {
              return m.digits(9) +
                     ":A"
                     "A" +
                     m.alnum(33);
            },
            {text("12:AA"), text("mac 00:AA:11:BB"), [](SecretMaker& m) { return m.digits(9) + ":AA" + m.alnum(8); }}),
      {"discord-webhook",
       {in("https://discord.com/api/webhooks/123456789012345678/", alnum(68), ""),
        in("{\"u\":\"https://discordapp.com/api/webhooks/123456789012345678/", alnum(68), "\"}"),
        in("discord.com/api/webhooks/998877665544332211/", alnum(68), " 204")},
       {text("https://discord.com/api/webhooks/"), text("discord.com/api/webhooks/123"), text("discord is down")}},
      {"discord-bot-token",
       {in(
            "discord token ", [](SecretMaker& m) { return "M" + m.alnum(23) + "." + m.alnum(6) + "." + m.alnum(27); }, ""),
        in(
            "Discord bot started with ", [](SecretMaker& m) { return "N" + m.alnum(25) + "." + m.alnum(6) + "." + m.alnum(38); }, ""),
        in(
            "{\"discord\":\"", [](SecretMaker& m) { return "O" + m.alnum(24) + "." + m.alnum(6) + "." + m.alnum(30); }, "\"}")},
       {text("discord bot started"), text("discord.py 2.3.1 Main.loop.run"), text("joined discord M.N.O")}},
      prefixed("grafana-token",
               "gl"
               "sa_",
               alnum(41)),
      prefixed("new-relic-key",
               "NR"
               "AK-",
               [](SecretMaker& m) { return m.alnum(26) + "7"; }),
      prefixed("sentry-token",
               "snt"
               "rys_",
               alnum(60)),
      {"teams-webhook",
       {in(
            "https://x.webhook.office.com/webhookb2/",
            [](SecretMaker& m) { return m.uuid() + "@" + m.uuid() + "/IncomingWebhook/" + m.hex(32) + "/" + m.uuid(); }, ""),
        in(
            "{\"u\":\"https://y.webhook.office.com/webhookb2/", [](SecretMaker& m) { return m.uuid() + "@" + m.uuid(); }, "\"}"),
        in(
            "z.webhook.office.com/webhookb2/", [](SecretMaker& m) { return m.uuid() + "/" + m.hex(32); }, " 200")},
       {text("https://x.webhook.office.com/"), text("x.webhook.office.com/webhookb2/short"), text("webhook.office.com is down")}},
  };
}

std::vector<RuleSamples> fields() {
  return {
      field(
          "password", "db_password", alnum(12),
          {"Failed password for root from 10.0.0.1", "password: incorrect", "password_reset=true", "password=***", "{\"password\":null}"}),
      field("password", "userPasswd", alnum(9), {"passwd file read", "PWD=/home/user", "passwords: 3"}),
      field("private-key-field", "private_key", alnum(30), {"private_key=null", "private_key_id=7", "private key loaded"}),
      field("api-key", "x-api-key", alnum(20), {"api_key=", "api_keys_used=3", "no api-key given"}),
      field("secret", "client_secret", alnum(20), {"secret_name=tls", "secret=\"\"", "a secret: not found"}),
      field("token", "access_token", alnum(20),
            {"token_type=bearer", "tokens_used=512", "token=null", "unexpected token: }", "{\"max_tokens\":4096}", "nextPageToken=abc"}),
      {"authorization",
       {in("Authorization: Bearer ", alnum(30), ""), in("{\"authorization\":\"Token ", alnum(30), "\"}"),
        in("> Authorization: Digest username=x, response=", hex(32), "")},
       {text("authorization: failed for user"), text("{\"authorization\":null}"), text("authorization required")}},
      {"cookie",
       {in("Cookie: sid=", alnum(20), "; theme=dark"), in("{\"set-cookie\":[\"a=", alnum(20), "; Path=/\"]}"),
        in("curl -H 'Cookie: id=", alnum(12), "'")},
       {text("cookie jar opened"), text("cookies: none"), text("cookie: missing")}},
      field("session", "JSESSIONID", [](SecretMaker& m) { return m.alnum(20) + "7"; },
            {"session opened for user root", "session: closed", "Session: 30546173_42617224 initialized", "sessions=4",
             "session_timeout=1800"}),
      field("credential", "credentials", alnum(16), {"credentials: invalid", "credential check", "credentials=null"}),
  };
}

}  // namespace

const std::vector<RuleSamples>& rule_samples() {
  static const std::vector<RuleSamples> samples = [] {
    std::vector<RuleSamples> all;
    for (auto part : {general(), code_hosts(), cloud(), services(), fields()}) {
      for (RuleSamples& rule : part) all.push_back(std::move(rule));
    }
    return all;
  }();
  return samples;
}

}  // namespace telltale::pipeline
