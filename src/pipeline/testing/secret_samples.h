// Made-up secrets of each rule's form, put together at run time, so that no source file holds anything that looks like a live one.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/scan/digit_runs.h"

namespace telltale::pipeline {

class SecretMaker {
 public:
  explicit SecretMaker(std::uint64_t seed) : random_(seed) {}

  std::string alnum(std::size_t n) { return from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", n); }
  std::string base64(std::size_t n) { return from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", n); }
  std::string base32(std::size_t n) { return from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n); }
  std::string hex(std::size_t n) { return from("0123456789abcdef", n); }
  std::string digits(std::size_t n) { return from("123456789", n); }
  std::string letters(std::size_t n) { return from("abcdefghijklmnopqrstuvwxyz", n); }
  std::uint64_t number(std::uint64_t below) { return random_() % below; }

  std::string uuid() { return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12); }
  std::string card() {
    std::string head = "4" + digits(14);
    for (char check = '0';; ++check) {
      if (passes_luhn(head + check)) return head + check;
    }
  }
  std::string iban() {
    const std::string account = digits(18);
    for (int check = 10; check <= 98; ++check) {
      if (std::string iban = "DE" + std::to_string(check) + account; passes_iban_check(iban)) return iban;
    }
    return this->iban();
  }
  // PEM, its lines ended by `line_end`.
  std::string private_key(std::size_t lines, std::string_view line_end = "\n", std::string_view kind = "RSA ") {
    std::string pem = "-----BEGIN " + std::string(kind) + "PRIVATE KEY-----";
    for (std::size_t i = 0; i < lines; ++i) pem.append(line_end).append(base64(64));
    return pem.append(line_end).append("-----END ").append(kind).append("PRIVATE KEY-----");
  }

 private:
  std::string from(std::string_view chars, std::size_t n) {
    std::string out;
    while (out.size() < n) out += chars[random_() % chars.size()];
    return out;
  }
  std::mt19937_64 random_;
};

// Makes the text around a secret and the secret: what must not be found in the redacted text any more.
struct Sample {
  std::string text;
  std::string secret;
};
struct RuleSamples {
  std::string_view rule;
  std::vector<std::function<Sample(SecretMaker&)>> positives;
  std::vector<std::function<std::string(SecretMaker&)>> negatives;  // stay as they are
};
// At least three positives and three negatives for every built-in rule.
const std::vector<RuleSamples>& rule_samples();

}  // namespace telltale::pipeline
