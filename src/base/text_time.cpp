#include <array>
#include <charconv>

#include "base/text.h"

namespace telltale::base {

namespace {

constexpr std::int64_t seconds_per_day = 86'400;

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 of the proleptic Gregorian calendar and back: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
constexpr std::int64_t days_from_date(Date date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

constexpr Date date_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

constexpr bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr unsigned days_of_month(std::int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

void write_number(char* at, unsigned width, std::uint64_t value) {
  for (; width != 0; --width, value /= 10) at[width - 1] = static_cast<char>('0' + value % 10);
}

// Reads from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool take(std::string_view one_of) {
    if (text_.empty() || one_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  char taken_sign() {
    const char sign = text_.empty() ? '\0' : text_.front();
    return take("+-") ? sign : '\0';
  }
  // Exactly `width` digits, value from `low` to `high`.
  bool number(unsigned width, unsigned low, unsigned high, unsigned& out) {
    if (text_.size() < width) return false;
    out = 0;
    for (unsigned i = 0; i < width; ++i) {
      if (!is_digit(text_[i])) return false;
      out = out * 10 + static_cast<unsigned>(text_[i] - '0');
    }
    text_.remove_prefix(width);
    return out >= low && out <= high;
  }
  // One digit or more as a fraction of a second; digits after the ninth are dropped.
  bool fraction(std::int64_t& nanos) {
    std::int64_t scale = nanos_per_second / 10;
    bool any = false;
    for (nanos = 0; !text_.empty() && is_digit(text_.front()); text_.remove_prefix(1), scale /= 10) {
      nanos += (text_.front() - '0') * scale;
      any = true;
    }
    return any;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view text_;
};

// "Z" or "+HH:MM": seconds to take away.
bool read_zone(Reader& reader, std::int64_t& offset) {
  offset = 0;
  if (reader.take("Zz")) return true;
  const char sign = reader.taken_sign();
  unsigned hours = 0;
  unsigned minutes = 0;
  if (sign == '\0' || !reader.number(2, 0, 23, hours) || !reader.take(":") || !reader.number(2, 0, 59, minutes)) return false;
  offset = (static_cast<std::int64_t>(hours) * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
  return true;
}

}  // namespace

void append_rfc3339(std::string& out, UnixNanos time, int digits) {
  std::int64_t seconds = time / nanos_per_second;
  std::int64_t nanos = time % nanos_per_second;
  if (nanos < 0) {
    --seconds;
    nanos += nanos_per_second;
  }
  std::int64_t days = seconds / seconds_per_day;
  std::int64_t second_of_day = seconds % seconds_per_day;
  if (second_of_day < 0) {
    --days;
    second_of_day += seconds_per_day;
  }
  const Date date = date_from_days(days);
  char text[] = "0000-00-00T00:00:00.000000000Z";
  write_number(text, 4, static_cast<std::uint64_t>(date.year));
  write_number(text + 5, 2, date.month);
  write_number(text + 8, 2, date.day);
  write_number(text + 11, 2, static_cast<std::uint64_t>(second_of_day / 3600));
  write_number(text + 14, 2, static_cast<std::uint64_t>(second_of_day / 60 % 60));
  write_number(text + 17, 2, static_cast<std::uint64_t>(second_of_day % 60));
  write_number(text + 20, 9, static_cast<std::uint64_t>(nanos));
  const std::size_t length = digits > 0 ? 20 + static_cast<std::size_t>(digits) : 19;
  out.append(text, length);
  out += 'Z';
}

std::string format_rfc3339(UnixNanos time, int digits) {
  std::string text;
  append_rfc3339(text, time, digits);
  return text;
}

std::optional<UnixNanos> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (!reader.number(4, 0, 9999, year) || !reader.take("-") || !reader.number(2, 1, 12, month) || !reader.take("-") ||
      !reader.number(2, 1, days_of_month(year, month), day)) {
    return std::nullopt;
  }
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;  // 60: a leap second, which is the first of the next minute here
  if (!reader.take("Tt ") || !reader.number(2, 0, 23, hour) || !reader.take(":") || !reader.number(2, 0, 59, minute) || !reader.take(":") ||
      !reader.number(2, 0, 60, second)) {
    return std::nullopt;
  }
  std::int64_t nanos = 0;
  std::int64_t offset = 0;
  if ((reader.take(".") && !reader.fraction(nanos)) || !read_zone(reader, offset) || !reader.done()) return std::nullopt;
  const std::int64_t seconds = days_from_date({year, month, day}) * seconds_per_day + hour * 3600 + minute * 60 + second - offset;
  // Outside of 1677 to 2262 there are no nanoseconds in 64 bits.
  std::int64_t time = 0;
  if (__builtin_mul_overflow(seconds, nanos_per_second, &time) || __builtin_add_overflow(time, nanos, &time)) return std::nullopt;
  return time;
}

}  // namespace telltale::base
