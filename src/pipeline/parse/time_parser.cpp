#include "pipeline/parse/time_parser.h"

#include <cstdlib>

#include "pipeline/parse/civil_time.h"

namespace telltale::pipeline {

using record::TimeResolution;

namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Reads a timestamp from left to right. A reading that returns false leaves nothing to rely on.
class Reader {
 public:
  Reader(std::string_view text, const TimeContext& context) : text_(text), context_(context) {}

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::size_t at() const { return at_; }
  void back_to(std::size_t at) { at_ = at; }
  CivilTime civil;

  bool skip(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  // Exactly `count` digits.
  template <class T>
  bool digits(std::size_t count, T& value) {
    if (text_.size() - at_ < count) return false;
    T result = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = text_[at_ + i];
      if (!is_digit(c)) return false;
      result = result * 10 + static_cast<T>(c - '0');
    }
    at_ += count;
    value = result;
    return true;
  }

  // One or two digits, or a space and one.
  bool day() {
    if (skip(' ') || !is_digit(peek(1))) return digits(1, civil.day);
    return digits(2, civil.day);
  }

  bool month_name() {
    static constexpr char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (text_.size() - at_ < 3) return false;
    for (unsigned i = 0; i < 12; ++i) {
      const char* const name = names + 3 * i;
      if ((text_[at_] | 0x20) == name[0] && (text_[at_ + 1] | 0x20) == name[1] && (text_[at_ + 2] | 0x20) == name[2]) {
        civil.month = i + 1;
        at_ += 3;
        return true;
      }
    }
    return false;
  }

  bool weekday() {
    static constexpr char names[] = "sunmontuewedthufrisat";
    if (text_.size() - at_ < 4) return false;
    for (unsigned i = 0; i < 7; ++i) {
      const char* const name = names + 3 * i;
      if ((text_[at_] | 0x20) == name[0] && (text_[at_ + 1] | 0x20) == name[1] && (text_[at_ + 2] | 0x20) == name[2]) {
        at_ += 3;
        return true;
      }
    }
    return false;
  }

  // HH:MM:SS with or without a fraction; HH:MM alone where `minutes_suffice`.
  bool time_of_day(bool minutes_suffice = false) {
    if (!digits(2, civil.hour) || !skip(':') || !digits(2, civil.minute)) return false;
    resolution_ = TimeResolution::minute;
    if (peek() != ':' || !is_digit(peek(1))) return minutes_suffice;
    ++at_;
    if (!digits(2, civil.second)) return false;
    resolution_ = TimeResolution::second;
    if ((peek() == '.' || peek() == ',') && is_digit(peek(1))) fraction();
    return true;
  }

  // Z, +hh:mm, +hhmm, +hh at once or behind one space; UTC and GMT behind one. Nothing there is fine.
  void zone() {
    const std::size_t start = at_;
    const bool spaced = skip(' ');
    if (((peek() | 0x20) == 'z' && !is_word(peek(1))) || (spaced && utc_word())) {
      if ((peek() | 0x20) == 'z') ++at_;
      zone_known_ = true;
      return;
    }
    if ((peek() == '+' || peek() == '-') && numeric_zone(spaced)) return;
    at_ = start;
  }

  bool utc_word() {
    const std::string_view word = text_.substr(at_, 3);
    if ((word != "UTC" && word != "GMT") || is_word(peek(3))) return false;
    at_ += 3;
    return true;
  }

  void set_zone_known() { zone_known_ = true; }
  void set_day_resolution() { resolution_ = TimeResolution::day; }

  std::optional<ParsedTime> finish(TimeLayout layout) const {
    if (!is_valid(civil) || is_word(peek())) return std::nullopt;
    const std::int32_t offset = zone_known_ ? offset_seconds_ : context_.zone_offset_seconds;
    return ParsedTime{to_unix(civil, offset), at_, resolution_, layout, !zone_known_};
  }

  // For layouts without a year: the year that brings the time nearest to the observed one.
  std::optional<ParsedTime> finish_without_year(TimeLayout layout) {
    const int observed_year = year_of(context_.observed);
    std::optional<ParsedTime> best;
    for (civil.year = observed_year - 1; civil.year <= observed_year + 1; ++civil.year) {
      const std::optional<ParsedTime> candidate = finish(layout);
      if (candidate && (!best || distance(*candidate) < distance(*best))) best = candidate;
    }
    return best;
  }

 private:
  std::uint64_t distance(const ParsedTime& time) const {
    const auto a = static_cast<std::uint64_t>(time.time);
    const auto b = static_cast<std::uint64_t>(context_.observed);
    return time.time > context_.observed ? a - b : b - a;
  }

  // The separator and one digit are there. More than nine digits are read and dropped. One or two digits may have lost their zeros
  // (Go drops them), or be tenths: the interval of a second holds both.
  void fraction() {
    ++at_;
    std::uint32_t value = 0;
    unsigned count = 0;
    for (; is_digit(peek()); ++at_, ++count) {
      if (count < 9) value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
    }
    for (unsigned i = count; i < 9; ++i) value *= 10;
    civil.nanos = value;
    if (count > 6) {
      resolution_ = TimeResolution::nanosecond;
    } else if (count > 3) {
      resolution_ = TimeResolution::microsecond;
    } else if (count == 3) {
      resolution_ = TimeResolution::millisecond;
    }
  }

  // Behind a space, +hh alone is more likely a number of the message.
  bool numeric_zone(bool minutes_needed) {
    const bool west = peek() == '-';
    ++at_;
    int hours = 0;
    int minutes = 0;
    if (!digits(2, hours)) return false;
    const bool colon = peek() == ':';
    if (is_digit(peek(colon ? 1 : 0))) {
      if (colon) ++at_;
      if (!digits(2, minutes)) return false;
    } else if (minutes_needed) {
      return false;
    }
    if (hours > 15 || minutes > 59 || is_digit(peek())) return false;
    offset_seconds_ = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    zone_known_ = true;
    return true;
  }

  std::string_view text_;
  const TimeContext& context_;
  std::size_t at_ = 0;
  TimeResolution resolution_ = TimeResolution::none;
  std::int32_t offset_seconds_ = 0;
  bool zone_known_ = false;
};

bool is_date_time_separator(char c) {
  return c == 'T' || c == 't' || c == ' ' || c == '_';
}

std::optional<ParsedTime> parse_year_first(std::string_view text, const TimeContext& context, char separator) {
  Reader in(text, context);
  if (!in.digits(4, in.civil.year) || !in.skip(separator) || !in.digits(2, in.civil.month) || !in.skip(separator) ||
      !in.digits(2, in.civil.day) || !is_date_time_separator(in.peek()) || !is_digit(in.peek(1))) {
    return std::nullopt;
  }
  in.back_to(in.at() + 1);
  if (!in.time_of_day(separator == '-')) return std::nullopt;
  in.zone();
  return in.finish(separator == '-' ? TimeLayout::iso : TimeLayout::slash);
}

std::optional<ParsedTime> parse_clf(std::string_view text, const TimeContext& context) {
  Reader in(text, context);
  if (!in.digits(2, in.civil.day) || !in.skip('/') || !in.month_name() || !in.skip('/') || !in.digits(4, in.civil.year) || !in.skip(':') ||
      !in.time_of_day()) {
    return std::nullopt;
  }
  in.zone();
  return in.finish(TimeLayout::clf);
}

// "Mar 21 10:30:00", with the year behind the day or without.
std::optional<ParsedTime> parse_month_first(std::string_view text, const TimeContext& context) {
  Reader in(text, context);
  if (!in.month_name() || !in.skip(' ') || !in.day() || !in.skip(' ')) return std::nullopt;
  const bool has_year = is_digit(in.peek(2)) && is_digit(in.peek(3)) && in.peek(4) == ' ';
  if (has_year && (!in.digits(4, in.civil.year) || !in.skip(' '))) return std::nullopt;
  if (!in.time_of_day()) return std::nullopt;
  return has_year ? in.finish(TimeLayout::syslog) : in.finish_without_year(TimeLayout::syslog);
}

// "21 Mar 2024 10:30:00.123", "21-Mar-2024 10:30:00 UTC".
std::optional<ParsedTime> parse_dated(Reader& in, char separator = ' ') {
  if (!in.day() || !in.skip(separator) || !in.month_name() || !in.skip(separator) || !in.digits(4, in.civil.year) || !in.skip(' ') ||
      !in.time_of_day())
    return std::nullopt;
  in.zone();
  return in.finish(TimeLayout::dated);
}

std::optional<ParsedTime> parse_weekday_first(std::string_view text, const TimeContext& context) {
  Reader in(text, context);
  if (!in.weekday()) return std::nullopt;
  if (in.skip(',')) return in.skip(' ') ? parse_dated(in) : std::nullopt;
  if (!in.skip(' ') || !in.month_name() || !in.skip(' ') || !in.day() || !in.skip(' ') || !in.time_of_day() || !in.skip(' '))
    return std::nullopt;
  if (in.utc_word()) {
    in.set_zone_known();
    if (!in.skip(' ')) return std::nullopt;
  }
  if (!in.digits(4, in.civil.year)) return std::nullopt;
  return in.finish(TimeLayout::ctime);
}

std::optional<ParsedTime> parse_epoch_prefix(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && size < 20 && is_digit(text[size])) ++size;
  const std::size_t whole = size;
  if (whole != 10 && whole != 13 && whole != 16 && whole != 19) return std::nullopt;
  if (whole == 10 && size + 1 < text.size() && text[size] == '.' && is_digit(text[size + 1])) {
    do ++size;
    while (size < text.size() && is_digit(text[size]));
  }
  if (size < text.size() && (is_word(text[size]) || text[size] == '.' || text[size] == '-')) return std::nullopt;
  return parse_epoch(text.substr(0, size));
}

std::optional<ParsedTime> parse_date_alone(std::string_view text, const TimeContext& context) {
  Reader in(text, context);
  if (!in.digits(4, in.civil.year) || !in.skip('-') || !in.digits(2, in.civil.month) || !in.skip('-') || !in.digits(2, in.civil.day))
    return std::nullopt;
  in.set_day_resolution();
  return in.finish(TimeLayout::iso);
}

}  // namespace

std::optional<ParsedTime> parse_time_prefix(std::string_view text, const TimeContext& context) {
  if (text.size() < 10) return std::nullopt;
  if (!is_digit(text[0])) {
    if (text[3] == ' ' && is_digit(text[5])) return parse_month_first(text, context);
    if (text[3] == ' ' || text[3] == ',') return parse_weekday_first(text, context);
    return std::nullopt;
  }
  if (text[4] == '-') return parse_year_first(text, context, '-');
  if (text[4] == '/') return parse_year_first(text, context, '/');
  if (text[2] == '/') return parse_clf(text, context);
  if (text[2] == ' ' || text[1] == ' ') {
    Reader in(text, context);
    return parse_dated(in);
  }
  if (text[2] == '-') {
    Reader in(text, context);
    return parse_dated(in, '-');
  }
  return parse_epoch_prefix(text);
}

std::optional<ParsedTime> parse_klog_time_prefix(std::string_view text, const TimeContext& context) {
  Reader in(text, context);
  const bool has_year = text.size() > 8 && text[8] == ' ';
  if (has_year && !in.digits(4, in.civil.year)) return std::nullopt;
  if (!in.digits(2, in.civil.month) || !in.digits(2, in.civil.day) || !in.skip(' ') || !in.time_of_day()) return std::nullopt;
  return has_year ? in.finish(TimeLayout::klog) : in.finish_without_year(TimeLayout::klog);
}

std::optional<ParsedTime> parse_time(std::string_view text, const TimeContext& context) {
  if (text.size() == 10 && text[4] == '-') return parse_date_alone(text, context);
  const std::optional<ParsedTime> found = parse_time_prefix(text, context);
  if (!found || found->size != text.size()) return std::nullopt;
  return found;
}

std::optional<ParsedTime> parse_epoch(std::string_view text) {
  std::uint64_t whole = 0;
  std::size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at == 19) return std::nullopt;
    whole = whole * 10 + static_cast<std::uint64_t>(text[at] - '0');
  }
  // What one unit is, by size: 1e9 to 9.2e9 are seconds of 2001 to 2261, 1e12 on milliseconds, and so on.
  struct Unit {
    std::uint64_t nanos;
    TimeResolution resolution;
  };
  static constexpr Unit units[] = {{1'000'000'000, TimeResolution::second},
                                   {1'000'000, TimeResolution::millisecond},
                                   {1'000, TimeResolution::microsecond},
                                   {1, TimeResolution::nanosecond}};
  std::uint64_t lowest = 1'000'000'000;
  for (const Unit& unit : units) {
    if (whole >= lowest && whole < lowest / 10 * 92) {
      ParsedTime result{static_cast<base::UnixNanos>(whole * unit.nanos), text.size(), unit.resolution, TimeLayout::epoch, false};
      if (at == text.size()) return result;
      if (text[at] != '.') return std::nullopt;
      std::uint64_t scale = unit.nanos;
      const std::size_t point = at;
      for (++at; at < text.size(); ++at) {
        if (!is_digit(text[at])) return std::nullopt;
        scale /= 10;
        result.time += static_cast<base::UnixNanos>(static_cast<std::uint64_t>(text[at] - '0') * scale);
      }
      // A binary fraction of such seconds is exact to a microsecond at best.
      const std::size_t digits = text.size() - point - 1;
      if (unit.resolution == TimeResolution::second && digits >= 3)
        result.resolution = digits > 3 ? TimeResolution::microsecond : TimeResolution::millisecond;
      return result;
    }
    if (lowest > 1'000'000'000'000'000'000 / 1000) break;
    lowest *= 1000;
  }
  return std::nullopt;
}

void set_event_time(record::Record& record, const ParsedTime& time) {
  constexpr std::int64_t oldest = 7ll * 24 * 3600 * base::nanos_per_second;
  constexpr std::int64_t newest = 3600ll * base::nanos_per_second;
  record.event_time = time.time;
  record.resolution = time.resolution;
  record.flags &= static_cast<std::uint16_t>(~(record::flag_zone_assumed | record::flag_time_out_of_range));
  if (time.zone_assumed) record.flags |= record::flag_zone_assumed;
  if (time.time < record.observed_time - oldest || time.time > record.observed_time + newest) {
    record.flags |= record::flag_time_out_of_range;
  }
}

std::optional<std::int32_t> parse_zone(std::string_view text) {
  if (text == "UTC" || text == "Z" || text == "z" || text == "GMT") return 0;
  if (text.size() < 3 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  std::int32_t values[2] = {0, 0};
  std::size_t at = 1;
  for (std::int32_t& value : values) {
    if (at == text.size()) break;
    if (at == 3 && text[at] == ':') ++at;
    if (text.size() - at < 2 || !is_digit(text[at]) || !is_digit(text[at + 1])) return std::nullopt;
    value = (text[at] - '0') * 10 + (text[at + 1] - '0');
    at += 2;
  }
  if (at != text.size() || values[0] > 15 || values[1] > 59) return std::nullopt;
  return (values[0] * 3600 + values[1] * 60) * (text[0] == '-' ? -1 : 1);
}

}  // namespace telltale::pipeline
