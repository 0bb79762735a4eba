#include "corpus/line_writer.h"

#include <iterator>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "corpus/vocabulary.h"

namespace telltale::bench {

namespace {

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string_view pick(std::span<const std::string_view> words, Dice& dice) {
  return words[dice.below(words.size())];
}

void append_hex(std::string& out, Dice& dice, int digits) {
  const std::uint64_t value = dice.next();
  for (int i = 0; i < digits; ++i) out += "0123456789abcdef"[value >> (4 * i) & 15];
}

void append_duration(std::string& out, Dice& dice) {
  // Most are short, a few long: each power of ten is as frequent as the next.
  static constexpr std::uint64_t powers[] = {10, 100, 1'000, 10'000};
  append(out, "{}.{}ms", dice.below(powers[dice.below(4)]), dice.below(1000));
}

void append_value(std::string& out, char kind, Dice& dice) {
  switch (kind) {
    case 'i':
      append(out, "{}", dice.below(dice.chance(7000) ? 100 : 100'000));
      break;
    case 'u':
      append(out, "{}{}", pick(users(), dice), dice.below(100));
      break;
    case 'p':
      out += pick(paths(), dice);
      break;
    case 'a':
      append(out, "10.{}.{}.{}:{}", dice.below(4), dice.below(256), dice.below(256), 1024 + dice.below(60'000));
      break;
    case 'd':
      append_duration(out, dice);
      break;
    case 'h':
      append_hex(out, dice, 8);
      break;
    case 'g':
      append_hex(out, dice, 8);
      out += '-';
      append_hex(out, dice, 4);
      out += "-4";
      append_hex(out, dice, 3);
      out += "-a";
      append_hex(out, dice, 3);
      out += '-';
      append_hex(out, dice, 12);
      break;
    case 's':
      append(out, "{} bytes", dice.below(100'000));
      break;
    case 'n':
      append(out, "{}-{}", pick(services(), dice), dice.below(8));
      break;
    default:
      break;
  }
}

void append_message(std::string& out, const LineFacts& facts, Dice& dice) {
  const std::string_view text = pick(facts.is_error ? error_messages() : messages(), dice);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{') {
      out += text[at];
      continue;
    }
    append_value(out, text[at + 1], dice);
    at += 2;
  }
}

// The clock's parts of a line, in UTC.
struct Stamp {
  explicit Stamp(base::UnixNanos time) { base::append_rfc3339(text, time, 9); }
  std::string_view date() const { return std::string_view(text).substr(0, 10); }
  std::string_view clock() const { return std::string_view(text).substr(11, 8); }
  std::string_view fraction(std::size_t digits) const { return std::string_view(text).substr(20, digits); }
  std::string_view year() const { return std::string_view(text).substr(0, 4); }
  std::string_view month() const { return std::string_view(text).substr(5, 2); }
  std::string_view day() const { return std::string_view(text).substr(8, 2); }
  std::string_view month_name() const {
    static constexpr std::string_view names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return names[static_cast<std::size_t>(text[5] - '0') * 10 + static_cast<std::size_t>(text[6] - '0') - 1];
  }
  std::string text;
};

std::string_view choose(const LineFacts& facts, std::string_view error, std::string_view warning, std::string_view info) {
  return facts.is_error ? error : facts.is_warning ? warning : info;
}

// The secret's place in a plain line.
void append_plain_secret(std::string& out, const LineFacts& facts) {
  if (!facts.secret.empty()) append(out, " password={}", facts.secret);
}

void write_pino(std::string& out, const LineFacts& facts, Dice& dice) {
  append(out, R"({{"level":{},"time":{},"pid":{},"hostname":"{}-{}","reqId":"{}","msg":")", choose(facts, "50", "40", "30"),
         facts.time / base::nanos_per_millisecond, 20 + dice.below(9), pick(services(), dice), dice.below(4), facts.tag);
  append_message(out, facts, dice);
  out += '"';
  if (!facts.secret.empty()) append(out, R"(,"password":"{}")", facts.secret);
  if (dice.chance(3000)) append(out, R"(,"responseTime":{})", dice.below(400));
  out += '}';
}

void write_zap(std::string& out, const LineFacts& facts, Dice& dice) {
  const std::int64_t micros = facts.time / 1000;
  append(out, R"({{"level":"{}","ts":{}.{:06},"caller":"server/{}.go:{}","msg":")", choose(facts, "error", "warn", "info"),
         micros / 1'000'000, micros % 1'000'000, pick(services(), dice), 10 + dice.below(400));
  append_message(out, facts, dice);
  append(out, R"(","request_id":"{}")", facts.tag);
  if (!facts.secret.empty()) append(out, R"(,"api_key":"{}")", facts.secret);
  out += '}';
}

void write_python_json(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, R"({{"asctime": "{} {},{}", "levelname": "{}", "name": "{}", "message": ")", stamp.date(), stamp.clock(), stamp.fraction(3),
         choose(facts, "ERROR", "WARNING", "INFO"), pick(loggers(), dice));
  append_message(out, facts, dice);
  append(out, R"(", "request_id": "{}")", facts.tag);
  if (!facts.secret.empty()) append(out, R"(, "token": "{}")", facts.secret);
  out += '}';
}

void write_ecs(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, R"({{"@timestamp":"{}T{}.{}Z","log.level":"{}","message":")", stamp.date(), stamp.clock(), stamp.fraction(3),
         choose(facts, "ERROR", "WARN", "INFO"));
  append_message(out, facts, dice);
  append(out, R"(","ecs.version":"1.6.0","service.name":"{}","trace.id":")", pick(services(), dice));
  append_hex(out, dice, 16);
  append_hex(out, dice, 16);
  append(out, R"(","labels":{{"request":"{}"}})", facts.tag);
  if (!facts.secret.empty()) append(out, R"(,"password":"{}")", facts.secret);
  out += '}';
}

void write_logfmt(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, R"(time={}T{}Z level={} msg=")", stamp.date(), stamp.clock(), choose(facts, "error", "warning", "info"));
  append_message(out, facts, dice);
  append(out, R"(" app={} request_id={})", pick(services(), dice), facts.tag);
  if (!facts.secret.empty()) append(out, " secret={}", facts.secret);
}

void write_python(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, "{} {},{} {} [{}] {}: ", stamp.date(), stamp.clock(), stamp.fraction(3), choose(facts, "ERROR", "WARNING", "INFO"),
         pick(loggers(), dice), facts.tag);
  append_message(out, facts, dice);
  append_plain_secret(out, facts);
}

void write_java(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, "{} {},{} [exec-{}] {:5} {} - ", stamp.date(), stamp.clock(), stamp.fraction(3), dice.below(20),
         choose(facts, "ERROR", "WARN", "INFO"), pick(java_classes(), dice));
  append_message(out, facts, dice);
  append(out, " [{}]", facts.tag);
  append_plain_secret(out, facts);
}

void write_go(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, "{}/{}/{} {} {}", stamp.year(), stamp.month(), stamp.day(), stamp.clock(), choose(facts, "ERROR: ", "WARN: ", ""));
  append_message(out, facts, dice);
  append(out, " ({})", facts.tag);
  append_plain_secret(out, facts);
}

void write_klog(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, "{}{}{} {}.{} {:7} controller.go:{}] ", choose(facts, "E", "W", "I"), stamp.month(), stamp.day(), stamp.clock(),
         stamp.fraction(6), 1 + dice.below(40), 50 + dice.below(500));
  append_message(out, facts, dice);
  append(out, " id={}", facts.tag);
  append_plain_secret(out, facts);
}

void write_syslog(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  const std::string_view day = stamp.day()[0] == '0' ? stamp.day().substr(1) : stamp.day();
  append(out, "{} {:>2} {} node-{} {}[{}]: {}", stamp.month_name(), day, stamp.clock(), dice.below(16), pick(services(), dice),
         300 + dice.below(20'000), choose(facts, "ERROR: ", "warning: ", ""));
  append_message(out, facts, dice);
  append(out, " <{}>", facts.tag);
  append_plain_secret(out, facts);
}

void write_nginx(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, R"-(203.0.113.{} - {} [{}/{}/{}:{} +0000] "GET {}?id={} HTTP/1.1" {} {} "-" "curl/8.5.0" {})-", dice.below(256),
         dice.chance(2000) ? pick(users(), dice) : "-", stamp.day(), stamp.month_name(), stamp.year(), stamp.clock(), pick(paths(), dice),
         dice.below(10'000), choose(facts, "502", "404", "200"), dice.below(50'000), facts.tag);
  if (!facts.secret.empty()) append(out, R"( "https://example.org/?access_token={}")", facts.secret);
}

void write_bracketed(std::string& out, const LineFacts& facts, Dice& dice) {
  const Stamp stamp(facts.time);
  append(out, "[{}T{}.{}Z] [{}] [{}] ", stamp.date(), stamp.clock(), stamp.fraction(3), choose(facts, "error", "warn", "info"), facts.tag);
  append_message(out, facts, dice);
  append_plain_secret(out, facts);
}

using Writer = void (*)(std::string&, const LineFacts&, Dice&);
constexpr Writer writers[program_count] = {write_pino, write_zap, write_python_json, write_ecs,    write_logfmt, write_python,
                                           write_java, write_go,  write_klog,        write_syslog, write_nginx,  write_bracketed};

}  // namespace

const unsigned char program_shares[program_count] = {12, 12, 8, 3, 15, 9, 8, 5, 8, 8, 10, 4};

void write_line(std::string& out, unsigned program, const LineFacts& facts, Dice& dice) {
  writers[program](out, facts, dice);
}

}  // namespace telltale::bench
