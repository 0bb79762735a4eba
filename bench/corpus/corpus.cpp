#include "corpus/corpus.h"

#include <cstring>

#include <fmt/format.h>

#include "base/hash.h"
#include "corpus/line_writer.h"

namespace telltale::bench {

namespace {

constexpr std::string_view prefix = "req-";
constexpr std::size_t number_digits = 9;
constexpr std::size_t sum_digits = 8;
constexpr std::size_t tag_size = prefix.size() + number_digits + 1 + sum_digits;

unsigned choose_program(Dice& dice) {
  std::uint64_t roll = dice.below(100);
  unsigned program = 0;
  while (roll >= program_shares[program]) roll -= program_shares[program++];
  return program;
}

std::string make_secret(Dice& dice) {
  static constexpr char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  std::string secret(24, ' ');
  for (char& c : secret) c = letters[dice.below(sizeof letters - 1)];
  return secret;
}

std::size_t find_tag(std::string_view line) {
  for (std::size_t at = line.find(prefix); at != std::string_view::npos; at = line.find(prefix, at + 1)) {
    const std::string_view tag = line.substr(at, tag_size);
    if (tag.size() == tag_size && tag[prefix.size() + number_digits] == '-' &&
        tag.substr(prefix.size(), number_digits).find_first_not_of("0123456789") == std::string_view::npos) {
      return at;
    }
  }
  return std::string_view::npos;
}

// Of the line with zeros where its sum stands, which begins at `sum_at`.
std::uint32_t sum_of(std::string_view line, std::size_t sum_at) {
  const std::uint32_t head = base::crc32c(line.substr(0, sum_at));
  const std::uint32_t zeros = base::crc32c("00000000", head);
  return base::crc32c(line.substr(sum_at + sum_digits), zeros);
}

}  // namespace

void Corpus::append_line(std::string& out) {
  if (burst_left_ == 0) {
    program_ = choose_program(dice_);
    burst_left_ = 1 + dice_.below(30);
  }
  --burst_left_;
  time_ += static_cast<base::UnixNanos>(dice_.below(2'000'000));
  secret_.clear();
  if (dice_.chance(50)) secret_ = make_secret(dice_);

  char tag[tag_size + 1];
  fmt::format_to(tag, "{}{:09}-00000000", prefix, number_);
  LineFacts facts{time_, dice_.chance(200), dice_.chance(300), secret_, std::string_view(tag, tag_size)};
  const std::size_t begin = out.size();
  write_line(out, program_, facts, dice_);
  const std::string_view line = std::string_view(out).substr(begin);
  const std::size_t sum_at = find_tag(line) + tag_size - sum_digits;
  char sum[sum_digits + 1];
  fmt::format_to(sum, "{:08x}", sum_of(line, sum_at));
  std::memcpy(out.data() + begin + sum_at, sum, sum_digits);
  out += '\n';
  ++number_;
}

std::optional<LineTag> read_tag(std::string_view line) {
  const std::size_t at = find_tag(line);
  if (at == std::string_view::npos) return std::nullopt;
  LineTag tag;
  for (const char c : line.substr(at + prefix.size(), number_digits)) tag.number = tag.number * 10 + static_cast<std::uint64_t>(c - '0');
  const std::size_t sum_at = at + tag_size - sum_digits;
  char sum[sum_digits + 1];
  fmt::format_to(sum, "{:08x}", sum_of(line, sum_at));
  tag.intact = line.substr(sum_at, sum_digits) == std::string_view(sum, sum_digits);
  return tag;
}

}  // namespace telltale::bench
