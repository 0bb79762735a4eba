// Finds payment card numbers and IBANs, the two kinds of secret that hold no literal to look for.
//
// One pass over the text with bit masks of 64 bytes at a time (a byte's class is one bit), which costs about a tenth of a nanosecond a
// byte; a place whose shape fits is confirmed at once by prefix, length and check digits, so a candidate is nearly always real.
// Sources: ISO/IEC 7812-1 annex B (Luhn), issuer prefixes as published by the card networks; ISO 13616 (IBAN, mod 97-10 of ISO 7064).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace telltale::pipeline {

enum class NumberKind : std::uint8_t { card, iban };

struct NumberHit {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  NumberKind kind = NumberKind::card;
};

// Appends what it finds, in order; hits do not overlap.
void find_numbers(std::string_view text, std::vector<NumberHit>& hits);

// Digits only, any number of them; true when the last is the right check digit.
bool passes_luhn(std::string_view digits);
// Letters and digits without separators, beginning with the country code.
bool passes_iban_check(std::string_view iban);

}  // namespace telltale::pipeline
