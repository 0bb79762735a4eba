#include "sources/process/relay_message.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"

namespace telltale::sources {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace json = boost::json;

namespace {

constexpr std::size_t max_header = 4096;
constexpr std::size_t max_labels = 16;
constexpr std::size_t max_label_bytes = 1024;
constexpr std::size_t max_name_bytes = 128;
constexpr std::int64_t max_age_ns = 365ll * 24 * 3600 * 1'000'000'000;

template <class... Kinds>
struct Overloaded : Kinds... {
  using Kinds::operator()...;
};

// Writing.

class Writer {
 public:
  explicit Writer(std::string_view type) {
    if (!type.empty()) text("type", type);
  }
  Writer& text(std::string_view name, std::string_view value) {
    key(name);
    base::append_json_string(out_, value);
    return *this;
  }
  Writer& number(std::string_view name, std::int64_t value) {
    key(name);
    out_ += std::to_string(value);
    return *this;
  }
  Writer& large(std::string_view name, std::uint64_t value) { return text(name, std::to_string(value)); }
  Writer& place(const StreamPlace& place, std::string_view prefix = {}) {
    large(fmt::format("{}offset", prefix), place.offset);
    return large(fmt::format("{}line", prefix), place.line);
  }
  Writer& flag(std::string_view name, bool value) {
    if (value) key(name), out_ += "true";
    return *this;
  }
  Writer& labels(const std::vector<std::pair<std::string, std::string>>& labels) {
    key("labels");
    out_.push_back('{');
    for (const auto& [name, value] : labels) {
      if (out_.back() != '{') out_.push_back(',');
      base::append_json_string(out_, name);
      out_.push_back(':');
      base::append_json_string(out_, value);
    }
    out_.push_back('}');
    return *this;
  }
  std::string end() { return std::move(out_) + "}"; }

 private:
  void key(std::string_view name) {
    out_ += out_.empty() ? "{" : ",";
    base::append_json_string(out_, name);
    out_.push_back(':');
  }
  std::string out_;
};

// Reading: the first member that is wrong is the error.

class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string text(std::string_view name, std::size_t most) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().size() > most) {
      wrong(name, fmt::format("a text of at most {} bytes", most));
      return {};
    }
    return std::string(value->get_string());
  }
  std::uint32_t number(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > UINT32_MAX) {
      wrong(name, "a whole number from 0 to 4294967295");
      return 0;
    }
    return static_cast<std::uint32_t>(value->get_int64());
  }
  std::uint64_t large(std::string_view name) {
    const auto* value = object_.if_contains(name);
    std::uint64_t number = 0;
    bool good = value != nullptr && value->is_string();
    if (good) {
      const auto& text = value->get_string();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      good = !text.empty() && error == std::errc() && end == text.data() + text.size();
    }
    if (!good) wrong(name, "a whole number as a text");
    return number;
  }
  StreamPlace place(std::string_view prefix = {}) { return {large(fmt::format("{}offset", prefix)), large(fmt::format("{}line", prefix))}; }
  std::int64_t age(std::string_view name) {
    const std::uint64_t value = large(name);
    if (value > static_cast<std::uint64_t>(max_age_ns)) wrong(name, "nanoseconds of at most a year, as a text");
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, max_age_ns));
  }
  base::UnixNanos time(std::string_view name) {
    const std::uint64_t value = large(name);
    if (value > static_cast<std::uint64_t>(INT64_MAX)) wrong(name, "nanoseconds since 1970, as a text");
    return static_cast<base::UnixNanos>(std::min<std::uint64_t>(value, INT64_MAX));
  }
  bool has(std::string_view name) const { return object_.if_contains(name) != nullptr; }
  bool flag(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) wrong(name, "true or false");
    return value->is_bool() && value->get_bool();
  }
  std::vector<std::pair<std::string, std::string>> labels(std::string_view name) {
    std::vector<std::pair<std::string, std::string>> labels;
    const auto* value = object_.if_contains(name);
    const bool good = value != nullptr && value->is_object() && value->get_object().size() <= max_labels;
    if (!good) wrong(name, fmt::format("an object of at most {} texts", max_labels));
    if (!good) return labels;
    for (const auto& [key, text] : value->get_object()) {
      if (!text.is_string() || text.get_string().size() > max_label_bytes || !is_label_name({key.data(), key.size()})) {
        wrong(name, fmt::format("an object of texts of at most {} bytes, named like service", max_label_bytes));
        return labels;
      }
      labels.emplace_back(std::string(key), std::string(text.get_string()));
    }
    return labels;
  }
  void wrong(std::string_view name, std::string_view expected) {
    if (error_.empty()) error_ = fmt::format("'{}' must be {}", name, expected);
  }
  template <class Message>
  Result<Message> result(Message message) {
    if (!error_.empty()) return fail(ErrorCode::invalid_argument, error_, "See docs/reference/process-source.md.");
    return message;
  }

 private:
  static bool is_label_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= max_name_bytes && letter(name[0]) && std::ranges::all_of(name, inner);
  }

  const json::object& object_;
  std::string error_;
};

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) return fail(ErrorCode::malformed_request, fmt::format("the message is no JSON: {}", error.message()));
  if (!value.is_object()) return fail(ErrorCode::malformed_request, "the message is no JSON object");
  return std::move(value.get_object());
}

std::string type_of(const json::object& object) {
  const auto* type = object.if_contains("type");
  return type != nullptr && type->is_string() ? std::string(type->get_string()) : std::string();
}

std::unexpected<base::Error> unknown(const std::string& type) {
  return fail(ErrorCode::websocket_message,
              fmt::format("a message of the type '{}' is not known here", base::to_printable(type.substr(0, 100))),
              "See docs/reference/process-source.md.");
}

bool is_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

}  // namespace

std::string encode(const FromRelay& message) {
  return std::visit(Overloaded{
                        [](const RelayHello& hello) {
                          return Writer("hello")
                              .number("version", relay_protocol_version)
                              .text("relay", hello.relay)
                              .text("run", hello.run)
                              .text("host", hello.host)
                              .end();
                        },
                        [](const RelayStream& stream) {
                          return Writer("stream")
                              .number("stream", stream.number)
                              .text("key", stream.key)
                              .labels(stream.labels)
                              .place(stream.from)
                              .place(stream.acknowledged, "acknowledged_")
                              .end();
                        },
                        [](const RelayEnd& end) { return Writer("end").number("stream", end.number).place(end.at).end(); },
                        [](const RelayRelease& release) { return Writer("release").number("stream", release.number).end(); },
                        [](const RelayBarrierDone& done) { return Writer("barrier_done").large("id", done.id).end(); },
                    },
                    message);
}

std::string encode(const FromEngine& message) {
  return std::visit(
      Overloaded{
          [](const RelayWelcome& welcome) {
            return Writer("welcome")
                .number("version", relay_protocol_version)
                .large("max_line_bytes", welcome.max_line_bytes)
                .large("window", welcome.window)
                .end();
          },
          [](const RelayPosition& position) { return Writer("position").number("stream", position.number).place(position.at).end(); },
          [](const RelayCommitted& committed) { return Writer("committed").number("stream", committed.number).place(committed.at).end(); },
          [](const RelayEnded& ended) { return Writer("ended").number("stream", ended.number).end(); },
          [](const RelayBarrier& barrier) { return Writer("barrier").large("id", barrier.id).end(); },
      },
      message);
}

std::string encode(const RelayBlock& block) {
  Writer writer("");
  writer.number("stream", block.number).place(block.from).place(block.to, "to_").large("age_ns", static_cast<std::uint64_t>(block.age_ns));
  if (block.dry_ns) writer.large("dry_ns", static_cast<std::uint64_t>(*block.dry_ns));
  if (block.sent_at > 0) writer.large("sent_ns", static_cast<std::uint64_t>(block.sent_at));
  std::string out = writer.flag("unterminated", block.unterminated).flag("truncated", block.truncated).end();
  out.reserve(out.size() + 1 + block.bytes.size());
  out.push_back('\n');
  out += block.bytes;
  return out;
}

Result<FromRelay> decode_from_relay(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return base::pass(object);
  const std::string type = type_of(*object);
  Reader in(*object);
  if (type == "hello") {
    if (in.number("version") != relay_protocol_version)
      in.wrong("version", fmt::format("{}: this engine speaks no other", relay_protocol_version));
    RelayHello hello{in.text("relay", max_name_bytes), in.text("run", max_name_bytes), in.text("host", max_label_bytes)};
    return in.result(FromRelay(std::move(hello)));
  }
  if (type == "stream") {
    RelayStream stream{in.number("stream"), in.text("key", max_name_bytes), in.labels("labels"), in.place(), in.place("acknowledged_")};
    if (!is_key(stream.key)) in.wrong("key", "digits and small letters");
    return in.result(FromRelay(std::move(stream)));
  }
  if (type == "end") return in.result(FromRelay(RelayEnd{in.number("stream"), in.place()}));
  if (type == "release") return in.result(FromRelay(RelayRelease{in.number("stream")}));
  if (type == "barrier_done") return in.result(FromRelay(RelayBarrierDone{in.large("id")}));
  return unknown(type);
}

Result<FromEngine> decode_from_engine(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return base::pass(object);
  const std::string type = type_of(*object);
  Reader in(*object);
  if (type == "welcome") return in.result(FromEngine(RelayWelcome{in.large("max_line_bytes"), in.large("window")}));
  if (type == "position") return in.result(FromEngine(RelayPosition{in.number("stream"), in.place()}));
  if (type == "committed") return in.result(FromEngine(RelayCommitted{in.number("stream"), in.place()}));
  if (type == "ended") return in.result(FromEngine(RelayEnded{in.number("stream")}));
  if (type == "barrier") return in.result(FromEngine(RelayBarrier{in.large("id")}));
  return unknown(type);
}

Result<RelayBlock> decode_block(std::string_view message) {
  const std::size_t end = message.substr(0, max_header).find('\n');
  if (end == std::string_view::npos) return fail(ErrorCode::malformed_request, "a block has no header line");
  auto object = parse_object(message.substr(0, end));
  if (!object) return base::pass(object);
  Reader in(*object);
  RelayBlock block{
      .number = in.number("stream"), .from = in.place(), .to = in.place("to_"), .age_ns = in.age("age_ns"), .dry_ns = {}, .bytes = {}};
  if (in.has("dry_ns")) block.dry_ns = in.age("dry_ns");
  if (in.has("sent_ns")) block.sent_at = in.time("sent_ns");
  block.unterminated = in.flag("unterminated");
  block.truncated = in.flag("truncated");
  block.bytes = message.substr(end + 1);
  if (block.to.offset <= block.from.offset) in.wrong("to_offset", "after offset");
  if (block.to.line < block.from.line) in.wrong("to_line", "line or after it");
  if (block.bytes.empty()) in.wrong("bytes", "there");
  if (!block.truncated && block.to.offset - block.from.offset != block.bytes.size()) in.wrong("to_offset", "where the bytes end");
  return in.result(block);
}

}  // namespace telltale::sources
