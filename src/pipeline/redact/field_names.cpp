#include "pipeline/redact/field_names.h"

#include <algorithm>
#include <array>

namespace telltale::pipeline {
namespace {

constexpr std::size_t longest_name = 128;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The last `longest_name` characters in lower case, without _ - . [ ] and without digits at the end.
struct Normal {
  std::array<char, longest_name> chars{};
  std::size_t size = 0;
  std::string_view view() const { return {chars.data(), size}; }
};
Normal normalise(std::string_view name) {
  Normal normal;
  if (name.size() > longest_name) name.remove_prefix(name.size() - longest_name);
  for (const char c : name) {
    if (c == '_' || c == '-' || c == '.') continue;
    normal.chars[normal.size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  while (normal.size > 0 && is_digit(normal.chars[normal.size - 1])) --normal.size;
  return normal;
}

// "access key" as access_key, access-key, accesskey.
void compound(std::vector<std::string_view>& keywords, std::initializer_list<std::string_view> spellings) {
  keywords.insert(keywords.end(), spellings);
}

}  // namespace

const std::vector<FieldGroup>& builtin_field_groups() {
  static const std::vector<FieldGroup> groups = [] {
    std::vector<std::string_view> keys;
    compound(keys, {"api_key",        "api-key",       "apikey",     "api.key",     "access_key",  "access-key",  "accesskey",
                    "auth_key",       "auth-key",      "authkey",    "signing_key", "signing-key", "signingkey",  "encryption_key",
                    "encryption-key", "encryptionkey", "master_key", "master-key",  "masterkey",   "account_key", "accountkey"});
    return std::vector<FieldGroup>{
        {"password",
         "passwords and passphrases",
         FieldValue::word,
         {"passw", "passphrase", "pwd"},
         {"password", "passwd", "passw", "pwd", "passphrase", "passwort", "passwordhash", "passwordvalue", "passwordconfirmation",
          "passwordconfirm"},
         {}},
        {"private-key-field",
         "private keys by name",
         FieldValue::word,
         {"private_key", "private-key", "privatekey"},
         {"privatekey", "privatekeypem", "privatekeydata"},
         {}},
        {"api-key",
         "API, access, signing and encryption keys",
         FieldValue::word,
         std::move(keys),
         {"apikey", "apikeys", "accesskey", "accesskeyid", "authkey", "signingkey", "encryptionkey", "masterkey", "accountkey",
          "secretaccesskey"},
         {}},
        {"secret",
         "secrets of clients and applications",
         FieldValue::word,
         {"secret"},
         {"secret", "secretkey", "secretvalue", "secrettoken", "secretkeybase"},
         {}},
        {"token", "tokens", FieldValue::word, {"token"}, {"token", "tokenvalue", "tokensecret"}, {}},
        {"authorization", "authorization headers", FieldValue::header, {"authorization"}, {"authorization", "authorizationheader"}, {}},
        {"cookie", "cookies that are sent or set", FieldValue::header, {"cookie"}, {"cookie", "cookies", "setcookie"}, {}},
        {"session", "session ids", FieldValue::id, {"session", "sessid"}, {"sessionid", "sessid", "sessionkey", "session"}, {}},
        {"credential", "credentials", FieldValue::word, {"credential"}, {"credential", "credentials"}, {}},
    };
  }();
  return groups;
}

void FieldNames::add(const FieldGroup& group, RuleIndex rule) {
  for (const std::string_view ending : group.endings) entries_.push_back({std::string(ending), true, {rule, group.value}});
  for (const std::string_view name : group.names) entries_.push_back({std::string(name), false, {rule, group.value}});
}

void FieldNames::add_name(std::string_view name, RuleIndex rule) {
  entries_.push_back({std::string(normalise(name).view()), false, {rule, FieldValue::word}});
}

std::optional<FieldNames::Match> FieldNames::find(std::string_view name) const {
  // Names that end like a secret's and are none.
  static constexpr std::array<std::string_view, 16> harmless{"nexttoken",      "pagetoken",       "nextpagetoken",  "continuationtoken",
                                                             "synctoken",      "unexpectedtoken", "canceltoken",    "cancellationtoken",
                                                             "stoppingtoken",  "starttoken",      "endtoken",       "nextsynctoken",
                                                             "forgotpassword", "resetpassword",   "changepassword", "showpassword"};
  const Normal normal = normalise(name);
  const std::string_view text = normal.view();
  const Normal last = normalise(name.substr(name.rfind('.') + 1));
  for (const Entry& entry : entries_) {
    if (entry.ending ? !text.ends_with(entry.text) : text != entry.text && last.view() != entry.text) continue;
    if (entry.ending && std::ranges::find(harmless, text) != harmless.end()) return std::nullopt;
    return entry.match;
  }
  return std::nullopt;
}

}  // namespace telltale::pipeline
