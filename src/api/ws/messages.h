// The messages of the WebSocket beside the records (schema/websocket.json).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::api {

inline constexpr std::size_t max_query_text = 32 * 1024;

enum class ClientMessageKind : std::uint8_t { ping, subscribe, unsubscribe, analysis_request };

struct ClientMessage {
  ClientMessageKind kind = ClientMessageKind::ping;
  std::string query;       // subscribe; empty: everything
  std::string after;       // subscribe: a cursor or a sequence; empty: from now
  std::string request_id;  // analysis_request; whatever the client gave, as text
};

// websocket_message, malformed_request or invalid_argument for anything else. Members that are not known are passed over: clients may
// be newer than the engine.
base::Result<ClientMessage> parse_client_message(std::string_view text);

// Each is one JSON object with `type`, and `timestamp`, `service_name` and `content` for clients that expect them in everything.
std::string pong_message(base::UnixNanos now);
std::string subscribed_message(base::UnixNanos now, std::string_view query, std::uint64_t after);
std::string unsubscribed_message(base::UnixNanos now);
// `dropped` records were passed over; the stream goes on after the sequence `after`.
std::string gap_message(base::UnixNanos now, std::uint64_t dropped, std::uint64_t after, std::string_view reason);
std::string error_message(base::UnixNanos now, const base::Error& error, std::string_view request_id = {});

}  // namespace telltale::api
