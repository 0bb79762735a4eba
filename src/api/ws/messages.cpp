#include "api/ws/messages.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "api/wire/json_input.h"
#include "base/text.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;

namespace {

std::string_view view(const boost::json::string& text) {
  return {text.data(), text.size()};
}

// A member that must be text where it is there.
base::Result<std::string> text_member(const boost::json::object& object, std::string_view name) {
  const boost::json::value* const value = object.if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return std::string(view(value->get_string()));
  return fail(ErrorCode::invalid_argument, "the member '" + std::string(name) + "' is not text");
}

// A sequence may come as a number.
base::Result<std::string> after_member(const boost::json::object& object) {
  const boost::json::value* const value = object.if_contains("after");
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0) return std::to_string(value->get_int64());
  if (value != nullptr && value->is_uint64()) return std::to_string(value->get_uint64());
  return text_member(object, "after");
}

base::Result<ClientMessage> read_subscribe(const boost::json::object& object) {
  auto query = text_member(object, "query");
  if (!query) return base::pass(query);
  if (query->size() > max_query_text) {
    return fail(ErrorCode::invalid_argument, "the query has more than " + std::to_string(max_query_text) + " bytes");
  }
  auto after = after_member(object);
  if (!after) return base::pass(after);
  return ClientMessage{ClientMessageKind::subscribe, *std::move(query), *std::move(after), {}};
}

std::string request_id_of(const boost::json::object& object) {
  const boost::json::value* const value = object.if_contains("request_id");
  if (value == nullptr) return {};
  std::string text = value->is_string() ? std::string(view(value->get_string())) : boost::json::serialize(*value);
  if (text.size() > 200) text.clear();
  return text;
}

std::string begin_message(std::string_view type, base::UnixNanos now, std::string_view content) {
  std::string out = "{\"type\":\"";
  out += type;
  out += "\",\"timestamp\":\"";
  base::append_rfc3339(out, now, 3);
  out += "\",\"service_name\":\"telltale\",\"content\":";
  base::append_json_string(out, content);
  return out;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  base::append_json_string(out, text);
}

}  // namespace

base::Result<ClientMessage> parse_client_message(std::string_view text) {
  auto object = parse_json_object(text);
  if (!object) return base::pass(object);
  const boost::json::value* const type = object->if_contains("type");
  if (type == nullptr || !type->is_string()) return fail(ErrorCode::websocket_message, "the message has no member 'type' that is text");
  const std::string_view name = view(type->get_string());
  if (name == "ping") return ClientMessage{};
  if (name == "subscribe") return read_subscribe(*object);
  if (name == "unsubscribe") return ClientMessage{ClientMessageKind::unsubscribe, {}, {}, {}};
  if (name == "analysis_request") return ClientMessage{ClientMessageKind::analysis_request, {}, {}, request_id_of(*object)};
  return fail(ErrorCode::websocket_message, "the type '" + base::to_printable(name.substr(0, 100)) + "' is not known");
}

std::string pong_message(base::UnixNanos now) {
  return begin_message("pong", now, "pong") + "}";
}

std::string subscribed_message(base::UnixNanos now, std::string_view query, std::uint64_t after) {
  std::string out = begin_message("subscribed", now, "the stream goes on with the new query");
  append_member(out, "query", query);
  append_member(out, "after", std::to_string(after));
  return out + "}";
}

std::string unsubscribed_message(base::UnixNanos now) {
  return begin_message("unsubscribed", now, "the stream is paused until the next subscribe") + "}";
}

std::string gap_message(base::UnixNanos now, std::uint64_t dropped, std::uint64_t after, std::string_view reason) {
  const std::string count = std::to_string(dropped);
  std::string out = begin_message("gap", now, count + " records were passed over: " + std::string(reason));
  out += ",\"dropped\":" + count;
  append_member(out, "after", std::to_string(after));
  append_member(out, "reason", reason);
  return out + "}";
}

std::string error_message(base::UnixNanos now, const base::Error& error, std::string_view request_id) {
  std::string out = begin_message("error", now, error.message());
  append_member(out, "code", base::info_of(error.code).name);
  append_member(out, "message", error.message());
  if (!request_id.empty()) append_member(out, "request_id", request_id);
  return out + "}";
}

}  // namespace telltale::api
