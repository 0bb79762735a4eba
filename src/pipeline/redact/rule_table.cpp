#include "pipeline/redact/rule.h"

namespace telltale::pipeline {
namespace {

using enum Confirm;
using Keywords = std::vector<std::string_view>;

// A token that is one of the keywords followed by at least `size` characters of `tail`.
RuleSpec token(std::string_view name, std::string_view family, std::string_view what, Keywords keywords, Chars tail, int size,
               Check check = Check::none) {
  std::string pattern = "(?:";
  for (const std::string_view keyword : keywords) {
    if (pattern.size() > 3) pattern += '|';
    for (const char c : keyword) {
      if (c == '.' || c == '/') pattern += '\\';
      pattern += c;
    }
  }
  pattern += ')';
  pattern += chars_pattern(tail);
  pattern += '{' + std::to_string(size) + ",}";
  return {name,        family, what, std::move(keywords), std::move(pattern), at_keyword, false, tail, static_cast<std::uint8_t>(size),
          Chars::none, 0,      check};
}

// A pattern that begins at the keyword.
RuleSpec at(std::string_view name, std::string_view family, std::string_view what, Keywords keywords, std::string pattern,
            bool any_case = false, Check check = Check::none) {
  return {name, family, what, std::move(keywords), std::move(pattern), at_keyword, any_case, Chars::none, 0, Chars::none, 0, check};
}

// A pattern that begins before the keyword.
RuleSpec around(std::string_view name, std::string_view family, std::string_view what, Keywords keywords, std::string pattern, Chars lead,
                int lead_max, Chars tail, int tail_min, Check check = Check::none) {
  return {name,
          family,
          what,
          std::move(keywords),
          std::move(pattern),
          at_keyword,
          true,
          tail,
          static_cast<std::uint8_t>(tail_min),
          lead,
          static_cast<std::uint16_t>(lead_max),
          check};
}

void add_cloud(std::vector<RuleSpec>& rules) {
  rules.push_back(
      token("aws-access-key-id", "AWS", "access key id", {"AKIA", "ASIA", "ABIA", "ACCA"}, Chars::base32, 16, Check::not_example));
  rules.push_back(at("aws-secret-key", "AWS", "secret access key after its name", {"secret"},
                     R"((?i)secret[_ .-]?(?:access[_ .-]?)?key[^A-Za-z0-9/+\n]{1,12}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$))", true));
  rules.push_back(token("google-api-key", "Google", "API key", {"AIza"}, Chars::base64url, 35));
  rules.push_back(token("google-oauth-token", "Google", "OAuth access token, refresh token, client secret", {"ya29.", "GOCSPX-", "1//0"},
                        Chars::base64url, 20));
  rules.push_back(at("azure-storage-key", "Azure", "storage or service bus key in a connection string", {"AccountKey=", "SharedAccessKey="},
                     R"((?i)(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2}))", true));
  rules.push_back(at("azure-sas", "Azure", "signature of a shared access URL", {"?sig=", "&sig="}, R"([?&]sig=([A-Za-z0-9%+/=_-]{30,}))"));
  rules.push_back(around("azure-client-secret", "Azure", "client secret of an application", {"7Q~", "8Q~"},
                         R"([A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,40})", Chars::azure, 3, Chars::azure, 31));
  rules.push_back(
      token("digitalocean-token", "DigitalOcean", "personal, OAuth and refresh token", {"dop_v1_", "doo_v1_", "dor_v1_"}, Chars::hex, 64));
  rules.push_back(token("heroku-api-key", "Heroku", "API key", {"HRKU-"}, Chars::base64url, 30));
  rules.push_back(
      at("heroku-api-key-uuid", "Heroku", "API key in its older form, after its name", {"heroku"},
         R"((?i)heroku[a-z0-9_ .-]{0,20}["'\\]{0,2}[ ]{0,3}[:=]{1,2}>?[ ]{0,3}["'\\]{0,2}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))",
         true));
  rules.push_back(token("databricks-token", "Databricks", "personal access token", {"dapi"}, Chars::hex, 32));
  rules.push_back(
      token("vault-token", "HashiCorp", "Vault service, batch and recovery token", {"hvs.", "hvb.", "hvr."}, Chars::base64url, 24));
  rules.push_back(around("terraform-token", "HashiCorp", "Terraform Cloud token", {".atlasv1."},
                         R"([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70})", Chars::alnum, 14, Chars::base64url, 40));
  rules.push_back(token("planetscale-token", "PlanetScale", "password, service and OAuth token",
                        {"pscale_pw_", "pscale_tkn_", "pscale_oauth_"}, Chars::azure, 32));
}

void add_code_hosts(std::vector<RuleSpec>& rules) {
  rules.push_back(token("github-token", "GitHub", "classic, OAuth, app, server and refresh token", {"ghp_", "gho_", "ghu_", "ghs_", "ghr_"},
                        Chars::alnum, 36));
  rules.push_back(
      token("github-fine-grained-token", "GitHub", "fine-grained personal access token", {"github_pat_"}, Chars::base64url, 40));
  rules.push_back(token("gitlab-token", "GitLab", "personal, deploy, runner, trigger, job, feed and agent token",
                        {"glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-"}, Chars::base64url, 20));
  rules.push_back(token("npm-token", "npm", "access token", {"npm_"}, Chars::alnum, 36));
  rules.push_back(token("pypi-token", "PyPI", "upload token", {"pypi-AgE"}, Chars::base64url, 40));
  rules.push_back(token("rubygems-token", "RubyGems", "API key", {"rubygems_"}, Chars::hex, 48));
  rules.push_back(
      token("docker-hub-token", "Docker", "personal and organisation access token", {"dckr_pat_", "dckr_oat_"}, Chars::base64url, 24));
  rules.push_back(token("postman-key", "Postman", "API key", {"PMAK-"}, Chars::base64url, 50));
  rules.push_back(token("linear-key", "Linear", "API key", {"lin_api_"}, Chars::alnum, 40));
  rules.push_back(token("doppler-token", "Doppler", "personal token", {"dp.pt."}, Chars::alnum, 40));
  rules.push_back(token("hugging-face-token", "Hugging Face", "user and organisation token", {"hf_", "api_org_"}, Chars::alnum, 34));
  rules.push_back(token("anthropic-key", "Anthropic", "API and admin key", {"sk-ant-"}, Chars::base64url, 32));
  rules.push_back(
      token("openai-key", "OpenAI", "API key, also of services that took over its form", {"sk-"}, Chars::base64url, 20, Check::random));
}

void add_services(std::vector<RuleSpec>& rules) {
  rules.push_back(token("slack-token", "Slack", "bot, user, app, refresh and workspace token",
                        {"xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxo-", "xoxr-", "xoxs-", "xapp-"}, Chars::base64url, 12, Check::random));
  rules.push_back(at("slack-webhook", "Slack", "incoming webhook and workflow URL", {"hooks.slack.com"},
                     R"((?i)hooks\.slack\.com\\?/(?:services|workflows|triggers)((?:\\?/[A-Za-z0-9+_-]{6,64}){2,4}))", true));
  rules.push_back(token("stripe-key", "Stripe", "secret and restricted key, webhook secret",
                        {"sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"}, Chars::alnum, 16));
  rules.push_back(token("twilio-key", "Twilio", "API key", {"SK"}, Chars::hex, 32));
  rules.push_back({"sendgrid-key",
                   "SendGrid",
                   "API key",
                   {"SG."},
                   R"(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64})",
                   at_keyword,
                   false,
                   Chars::base64url,
                   16,
                   Chars::none,
                   0,
                   Check::none});
  rules.push_back(token("mailgun-key", "Mailgun", "API key", {"key-"}, Chars::hex, 32));
  rules.push_back(token("brevo-key", "Brevo", "API and SMTP key", {"xkeysib-", "xsmtpsib-"}, Chars::base64url, 64));
  rules.push_back(token("shopify-token", "Shopify", "access token, app password and shared secret",
                        {"shpat_", "shpca_", "shppa_", "shpss_"}, Chars::hex, 32));
  rules.push_back(token("square-token", "Square", "access token and OAuth secret", {"sq0atp-", "sq0csp-", "EAAAE"}, Chars::base64url, 22));
  rules.push_back(around("telegram-bot-token", "Telegram", "bot token", {":AA"}, R"([0-9]{8,10}:AA[A-Za-z0-9_-]{32,34})", Chars::digit, 10,
                         Chars::base64url, 32));
  rules.push_back(at("discord-webhook", "Discord", "webhook URL", {"discord.com/api/webhooks/", "discordapp.com/api/webhooks/"},
                     R"((?i)discord(?:app)?\.com/api/webhooks/[0-9]{10,24}/([A-Za-z0-9_-]{60,100}))", true));
  rules.push_back(at("discord-bot-token", "Discord", "bot token near the word", {"discord"},
                     R"((?i:discord)[^\n]{0,60}?([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}))", true));
  rules.push_back(token("grafana-token", "Grafana", "service account and cloud token", {"glsa_", "glc_"}, Chars::base64url, 32));
  rules.push_back(
      token("new-relic-key", "New Relic", "user, browser, insert key", {"NRAK-", "NRJS-", "NRII-"}, Chars::base64url, 19, Check::random));
  rules.push_back(token("sentry-token", "Sentry", "organisation and user token", {"sntrys_", "sntryu_"}, Chars::base64url, 40));
  rules.push_back(at("teams-webhook", "Microsoft Teams", "incoming webhook URL", {".webhook.office.com/"},
                     R"((?i)\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{40,256}))", true));
}

void add_general(std::vector<RuleSpec>& rules) {
  rules.push_back({"jwt",
                   "tokens",
                   "JSON Web Token, signed or encrypted",
                   {"eyJ"},
                   R"(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3})",
                   at_keyword,
                   false,
                   Chars::base64url,
                   8,
                   Chars::none,
                   0,
                   Check::none});
  rules.push_back({"private-key",
                   "keys",
                   "private key in PEM form, on one line or many",
                   {"PRIVATE KEY"},
                   "",
                   private_key,
                   false,
                   Chars::none,
                   0,
                   Chars::none,
                   0,
                   Check::none});
  rules.push_back(token("age-key", "keys", "age secret key", {"AGE-SECRET-KEY-1"}, Chars::alnum, 50));
  rules.push_back(at("bearer-token", "headers", "credentials after the word Bearer", {"bearer "},
                     R"((?i)bearer[ ]{1,4}([A-Za-z0-9._~+/-]{12,}={0,2}))", true, Check::random));
  rules.push_back(at("basic-auth", "headers", "base64 of user:password after the word Basic", {"basic "},
                     R"((?i)basic[ ]{1,4}([A-Za-z0-9+/_-]{6,}={0,2}))", true, Check::basic_pair));
  rules.push_back(around(
      "database-url", "connection strings", "password in the URL of a database or broker", {"@"},
      R"((?i)(?:[^\s"'<>`]*?(?:postgres|postgresql|psql|mysql|mariadb|mongodb|redis|rediss|valkey|amqp|amqps|mqtt|mqtts|kafka|nats|clickhouse|cockroachdb|sqlserver|mssql|oracle|db2|cassandra|couchbase|elasticsearch|ldap|ldaps|smtp|smtps)(?:\+[a-z0-9+]+)?):(?://|\\/\\/)[^\s:/@"'<>]*:([^\s"'<>/\\]+)@)",
      Chars::not_space, 400, Chars::none, 0));
  rules.push_back(around("url-credentials", "connection strings", "password in any other URL", {"@"},
                         R"([^\s"'<>`]*?:(?://|\\/\\/)[^\s:/@"'<>]*:([^\s"'<>/\\]+)@)", Chars::not_space, 400, Chars::none, 0));
  rules.push_back({"credit-card",
                   "personal data",
                   "payment card number with a known issuer and a right check digit",
                   {},
                   "",
                   digits,
                   false,
                   Chars::none,
                   0,
                   Chars::none,
                   0,
                   Check::none});
  rules.push_back({"iban",
                   "personal data",
                   "IBAN with the country's length and right check digits",
                   {},
                   "",
                   digits,
                   false,
                   Chars::none,
                   0,
                   Chars::none,
                   0,
                   Check::none});
  rules.push_back(around("email", "personal data", "e-mail address", {"@"},
                         R"([A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})", Chars::mail,
                         64, Chars::alnum, 1, Check::mail));
}

}  // namespace

const std::vector<RuleSpec>& builtin_rules() {
  static const std::vector<RuleSpec> rules = [] {
    std::vector<RuleSpec> all;
    add_general(all);
    add_code_hosts(all);
    add_cloud(all);
    add_services(all);
    return all;
  }();
  return rules;
}

}  // namespace telltale::pipeline
