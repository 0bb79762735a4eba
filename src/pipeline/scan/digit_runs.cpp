#include "pipeline/scan/digit_runs.h"

#include <algorithm>
#include <array>
#include <bit>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace telltale::pipeline {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_word(char c) {
  return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_separator(char c) {
  return c == ' ' || c == '-';
}

// Bit i tells of byte i.
struct Masks {
  std::uint64_t digit = 0;
  std::uint64_t upper = 0;
  std::uint64_t separator = 0;
};

[[maybe_unused]] Masks classify(const char* text) {
  Masks masks;
  for (int i = 0; i < 64; ++i) {
    masks.digit |= static_cast<std::uint64_t>(is_digit(text[i])) << i;
    masks.upper |= static_cast<std::uint64_t>(is_upper(text[i])) << i;
    masks.separator |= static_cast<std::uint64_t>(is_separator(text[i])) << i;
  }
  return masks;
}

// Places where a card number or an IBAN could begin: 14 digits; 4 digits, separator, 4 or 6 digits, separator, 2 digits; or two capital
// letters, two digits and then at least 8 capitals, digits (or separators after each fourth).
[[gnu::always_inline]] inline std::uint64_t candidates(const Masks& m) {
  const std::uint64_t d2 = m.digit & (m.digit >> 1);
  const std::uint64_t d4 = d2 & (d2 >> 2);
  const std::uint64_t d8 = d4 & (d4 >> 4);
  const std::uint64_t contiguous = d8 & (d4 >> 8) & (d2 >> 12);
  const std::uint64_t grouped = d4 & (m.separator >> 4) & (d4 >> 5) & ((m.separator >> 9) | ((d2 >> 9) & (m.separator >> 11)));
  const std::uint64_t head = m.upper & (m.upper >> 1) & (d2 >> 2);
  const std::uint64_t numbers = (contiguous | grouped) & ~(m.digit << 1);  // not inside a longer number
  if (head == 0) return numbers;
  const std::uint64_t a = m.digit | m.upper;
  const std::uint64_t a2 = a & (a >> 1);
  const std::uint64_t a4 = a2 & (a2 >> 2);
  const std::uint64_t plain = head & (a4 >> 4) & (a4 >> 8);
  const std::uint64_t spaced = head & (m.separator >> 4) & (a4 >> 5) & (m.separator >> 9) & (a2 >> 10);
  return numbers | plain | spaced;
}
constexpr std::size_t shape_size = 14;
constexpr std::size_t step = 64 - shape_size;
constexpr std::uint64_t step_mask = (std::uint64_t{1} << step) - 1;

// The candidates of `count` windows of 64 bytes, `step` bytes apart.
using WindowScan = void (*)(const char* text, std::size_t count, std::uint64_t* places);

[[maybe_unused]] void scan_portable(const char* text, std::size_t count, std::uint64_t* places) {
  for (std::size_t i = 0; i < count; ++i) places[i] = candidates(classify(text + i * step)) & step_mask;
}

#ifdef __x86_64__
// Unsigned "low <= byte < low + count", as a signed comparison.
[[gnu::always_inline]] inline std::uint64_t in_range(__m128i bytes, int low, int count) {
  const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 128)));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(count - 128)))));
}

void scan_sse2(const char* text, std::size_t count, std::uint64_t* places) {
  for (std::size_t i = 0; i < count; ++i) {
    Masks masks;
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i * step + 16 * static_cast<std::size_t>(part)));
      const __m128i separator = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
      masks.digit |= in_range(bytes, '0', 10) << (16 * part);
      masks.upper |= in_range(bytes, 'A', 26) << (16 * part);
      masks.separator |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(separator))) << (16 * part);
    }
    places[i] = candidates(masks) & step_mask;
  }
}

[[gnu::target("avx2")]] inline std::uint64_t bits(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}
[[gnu::target("avx2")]] inline __m256i in_range_avx2(__m256i bytes, int low, int count) {
  const __m256i shifted = _mm256_sub_epi8(bytes, _mm256_set1_epi8(static_cast<char>(low - 128)));
  return _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(count - 128)), shifted);
}
[[gnu::target("avx2")]] inline __m256i is_separator_avx2(__m256i bytes) {
  return _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')), _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('-')));
}

[[gnu::target("avx2")]] void scan_avx2(const char* text, std::size_t count, std::uint64_t* places) {
  for (std::size_t i = 0; i < count; ++i) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + i * step));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + i * step + 32));
    const Masks masks{bits(in_range_avx2(low, '0', 10), in_range_avx2(high, '0', 10)),
                      bits(in_range_avx2(low, 'A', 26), in_range_avx2(high, 'A', 26)),
                      bits(is_separator_avx2(low), is_separator_avx2(high))};
    places[i] = candidates(masks) & step_mask;
  }
}

WindowScan best_scan() {
  return __builtin_cpu_supports("avx2") ? scan_avx2 : scan_sse2;
}
#else
WindowScan best_scan() {
  return scan_portable;
}
#endif

struct Issuer {
  std::uint32_t low, high;  // the first six digits
  std::uint8_t shortest, longest;
};
// Longer numbers exist on paper for most of them; one in thirty ids of 18 or 19 digits would be taken for such a card.
constexpr std::array<Issuer, 12> issuers{{
    {400000, 499999, 16, 16},  // Visa
    {510000, 559999, 16, 16},  // Mastercard
    {222100, 272099, 16, 16},  // Mastercard
    {340000, 349999, 15, 15},  // American Express
    {370000, 379999, 15, 15},  // American Express
    {601100, 601199, 16, 16},  // Discover
    {644000, 659999, 16, 16},  // Discover
    {352800, 358999, 16, 16},  // JCB
    {620000, 629999, 16, 19},  // UnionPay
    {300000, 305999, 14, 16},  // Diners Club
    {360000, 369999, 14, 16},  // Diners Club
    {380000, 399999, 14, 16},  // Diners Club
}};

bool known_issuer(std::string_view digits) {
  std::uint32_t head = 0;
  for (int i = 0; i < 6; ++i) head = head * 10 + static_cast<std::uint32_t>(digits[static_cast<std::size_t>(i)] - '0');
  for (const Issuer& issuer : issuers) {
    if (head >= issuer.low && head <= issuer.high && digits.size() >= issuer.shortest && digits.size() <= issuer.longest) return true;
  }
  return false;
}

// Whether a known issuer's numbers begin with these two digits: refuses most numbers that are no cards at once.
bool may_be_issuer(char first, char second) {
  const auto head = static_cast<std::uint32_t>((first - '0') * 10 + (second - '0'));
  return std::ranges::any_of(issuers, [&](const Issuer& issuer) { return head >= issuer.low / 10000 && head <= issuer.high / 10000; });
}

// Letters and digits at `begin`, a separator allowed between them; stops after `most` or at anything else.
struct Run {
  std::array<char, 36> chars;  // the first `size` are set
  std::size_t size = 0;
  std::size_t end = 0;  // in the text
};
Run take_run(std::string_view text, std::size_t begin, bool letters, std::size_t most) {
  Run run;
  std::size_t at = begin;
  run.end = begin;
  while (at < text.size() && run.size < most) {
    const char c = text[at];
    if (is_digit(c) || (letters && is_upper(c))) {
      run.chars[run.size++] = c;
      run.end = ++at;
    } else if (is_separator(c) && at > begin && !is_separator(text[at - 1])) {
      ++at;
    } else {
      break;
    }
  }
  return run;
}

// The end of the card number that begins at `begin`, or 0. With separators, trailing groups may belong to something else, so shorter
// readings that end at a group's end are tried too.
std::size_t card_at(std::string_view text, std::size_t begin) {
  if (!may_be_issuer(text[begin], text[begin + 1])) return 0;
  const Run run = take_run(text, begin, false, 20);
  std::size_t count = 0;
  std::size_t best = 0;
  for (std::size_t at = begin; at < run.end && count < run.size; ++at) {
    if (!is_digit(text[at])) continue;
    ++count;
    const bool ends_here = at + 1 >= text.size() || !is_word(text[at + 1]);
    if (count < 14 || count > 19 || !ends_here) continue;
    const std::string_view digits(run.chars.data(), count);
    if (known_issuer(digits) && passes_luhn(digits)) best = at + 1;
  }
  return best;
}

struct Country {
  char code[3];
  std::uint8_t length;
};
// ISO 13616 registry: countries and the length of their IBAN.
constexpr Country countries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29},
    {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29},
    {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28},
    {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28},
    {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
    {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25},
    {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27},
    {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30}};

std::size_t iban_length(char first, char second) {
  for (const Country& country : countries) {
    if (country.code[0] == first && country.code[1] == second) return country.length;
  }
  return 0;
}

std::size_t iban_at(std::string_view text, std::size_t begin) {
  const std::size_t length = iban_length(text[begin], text[begin + 1]);
  if (length == 0) return 0;
  const Run run = take_run(text, begin, true, length);
  if (run.size != length || (run.end < text.size() && is_word(text[run.end]))) return 0;
  return passes_iban_check({run.chars.data(), run.size}) ? run.end : 0;
}

bool begins_here(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  // A minus sign: block ids and hashes are often negative. After a letter or digit it is a hyphen.
  if (text[at - 1] == '-') return at >= 2 && is_word(text[at - 2]) && text[at - 2] != '_';
  if (!is_word(text[at - 1])) return true;
  // "\n", "\t", "\r" written as an escape, or the last letter of a terminal colour (ESC [ … m).
  if (at >= 2 && text[at - 2] == '\\') return text[at - 1] == 'n' || text[at - 1] == 't' || text[at - 1] == 'r';
  if (text[at - 1] != 'm') return false;
  std::size_t i = at - 1;
  while (i > 0 && (is_digit(text[i - 1]) || text[i - 1] == ';')) --i;
  return i >= 2 && text[i - 1] == '[' && text[i - 2] == '\x1b';
}

// The end of the card number or IBAN at `begin`, which is appended, or 0.
std::size_t add_number(std::string_view text, std::size_t begin, std::vector<NumberHit>& hits) {
  if (!begins_here(text, begin)) return 0;
  const bool iban = is_upper(text[begin]);
  const std::size_t end = iban ? iban_at(text, begin) : card_at(text, begin);
  if (end != 0)
    hits.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), iban ? NumberKind::iban : NumberKind::card});
  return end;
}

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it, twice = !twice) {
    const int digit = (*it - '0') << (twice ? 1 : 0);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

bool passes_iban_check(std::string_view iban) {
  if (iban.size() < 5) return false;
  unsigned remainder = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    remainder =
        is_digit(c) ? (remainder * 10 + static_cast<unsigned>(c - '0')) % 97 : (remainder * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

void find_numbers(std::string_view text, std::vector<NumberHit>& hits) {
  static const WindowScan scan_windows = best_scan();
  constexpr std::size_t group = 64;  // windows a round
  std::array<std::uint64_t, group> places{};
  std::array<char, 64> last{};
  std::size_t free_from = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t count = text.size() - at < 64 ? 0 : std::min(group, (text.size() - at - 64) / step + 1);
    const char* windows = text.data() + at;
    if (count == 0) {
      last.fill(0);  // what the window before left behind lies beyond the text
      std::ranges::copy(text.substr(at), last.begin());
      windows = last.data();
      count = 1;
    }
    scan_windows(windows, count, places.data());
    for (std::size_t i = 0; i < count; ++i) {
      for (std::uint64_t left = places[i]; left != 0; left &= left - 1) {
        const std::size_t begin = at + i * step + static_cast<std::size_t>(std::countr_zero(left));
        if (begin >= free_from) free_from = std::max(free_from, add_number(text, begin, hits));
      }
    }
    at += count * step;
  }
}

}  // namespace telltale::pipeline
