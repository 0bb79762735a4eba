#include "query/plan/literal.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace telltale::query {
namespace {

// Longer needles go to memmem, whose time is linear whatever the bytes.
constexpr std::size_t longest_for_vectors = 256;

// Higher is more common. A rough order over logs in English with JSON and logfmt among them; only speed depends on it.
int commonness(char c) {
  constexpr std::string_view very_common = " etaoinsr01\"";
  if (very_common.find(c) != std::string_view::npos) return 4;
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '.' || c == '-' || c == ',' || c == '=') return 3;
  if (c >= 'A' && c <= 'Z') return 2;
  return 1;
}

std::size_t rarest(std::string_view needle, std::size_t except) {
  std::size_t best = except == 0 ? 1 : 0;
  for (std::size_t i = 0; i < needle.size(); ++i) {
    if (i != except && commonness(needle[i]) < commonness(needle[best])) best = i;
  }
  return best;
}

std::size_t find_plain(std::string_view text, std::size_t from, std::string_view needle) {
  const void* hit = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return hit == nullptr ? LiteralFinder::npos : static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
}

#if defined(__x86_64__)
// 32 starting places at once: where both rare bytes stand, the whole needle is compared. After W. Muła, "SIMD-friendly algorithms for
// substring searching".
__attribute__((target("avx2"))) std::size_t find_avx2(std::string_view text, std::size_t from, std::string_view needle, std::size_t rare,
                                                      std::size_t second) {
  const __m256i rare_byte = _mm256_set1_epi8(needle[rare]);
  const __m256i second_byte = _mm256_set1_epi8(needle[second]);
  std::size_t at = from;
  for (; at + needle.size() + 31 <= text.size(); at += 32) {
    const __m256i rare_block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at + rare));
    const __m256i second_block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at + second));
    const __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(rare_block, rare_byte), _mm256_cmpeq_epi8(second_block, second_byte));
    auto places = static_cast<std::uint32_t>(_mm256_movemask_epi8(both));
    while (places != 0) {
      const std::size_t place = at + static_cast<std::size_t>(std::countr_zero(places));
      if (std::memcmp(text.data() + place, needle.data(), needle.size()) == 0) return place;
      places &= places - 1;
    }
  }
  return find_plain(text, at, needle);
}

bool have_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
#else
std::size_t find_avx2(std::string_view text, std::size_t from, std::string_view needle, std::size_t, std::size_t) {
  return find_plain(text, from, needle);
}

bool have_avx2() {
  return false;
}
#endif

}  // namespace

LiteralFinder::LiteralFinder(std::string needle) : needle_(std::move(needle)) {
  if (needle_.size() < 2) return;
  rare_ = rarest(needle_, LiteralFinder::npos);
  second_ = rarest(needle_, rare_);
  use_avx2_ = needle_.size() <= longest_for_vectors && have_avx2();
}

std::size_t LiteralFinder::find(std::string_view text, std::size_t from) const {
  if (from > text.size()) return npos;
  if (needle_.empty()) return from;
  if (use_avx2_) return find_avx2(text, from, needle_, rare_, second_);
  return find_plain(text, from, needle_);
}

}  // namespace telltale::query
