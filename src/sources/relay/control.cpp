#include "sources/relay/control.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/json.hpp>

#include "base/text.h"

namespace telltale::sources {

namespace json = boost::json;

namespace {

constexpr std::size_t most_bytes = 256 * 1024;
constexpr std::size_t most_descriptors = 4;

std::string text_of(const ControlMessage& message) {
  json::object labels;
  for (const auto& [name, value] : message.labels) labels[name] = base::to_valid_utf8(value);
  json::array lines;
  for (const auto& line : message.lines) lines.emplace_back(base::to_valid_utf8(line));
  const json::object object{{"kind", static_cast<int>(message.kind)},
                            {"number", message.number},
                            {"text", base::to_valid_utf8(message.text)},
                            {"host", base::to_valid_utf8(message.host)},
                            {"key", message.key},
                            {"ready_text", message.ready_text},
                            {"labels", std::move(labels)},
                            {"lines", std::move(lines)},
                            {"flag", message.flag},
                            {"timeout_ms", message.timeout_ms},
                            {"kept_lines", message.kept_lines},
                            {"dropped_lines", message.dropped_lines},
                            {"through_failure", message.through_failure}};
  return json::serialize(object);
}

std::string member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  boost::system::error_code error;
  const auto found = value != nullptr ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : found;
}

std::optional<ControlMessage> message_of(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  ControlMessage message;
  message.kind = static_cast<ControlMessage::Kind>(number(object, "kind"));
  message.number = number(object, "number");
  message.text = member(object, "text");
  message.host = member(object, "host");
  message.key = member(object, "key");
  message.ready_text = member(object, "ready_text");
  message.flag = object.contains("flag") && object.at("flag") == true;
  message.timeout_ms = number(object, "timeout_ms");
  message.kept_lines = number(object, "kept_lines");
  message.dropped_lines = number(object, "dropped_lines");
  message.through_failure = static_cast<int>(number(object, "through_failure"));
  if (const auto* labels = object.if_contains("labels"); labels != nullptr && labels->is_object())
    for (const auto& [name, label] : labels->get_object()) message.labels.emplace_back(std::string(name), std::string(label.as_string()));
  if (const auto* lines = object.if_contains("lines"); lines != nullptr && lines->is_array())
    for (const auto& line : lines->get_array()) message.lines.emplace_back(line.as_string());
  return message;
}

}  // namespace

base::Result<std::pair<ControlChannel, ControlChannel>> ControlChannel::make_pair() {
  std::array<int, 2> ends{};
  // Packets: each message is one, with its descriptors.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    const int cause = errno;
    return std::unexpected(base::system_error(cause, "making a socket pair"));
  }
  for (const int end : ends) {
    const int bytes = 2 * static_cast<int>(most_bytes);
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  return std::pair(ControlChannel(base::Descriptor(ends[0])), ControlChannel(base::Descriptor(ends[1])));
}

bool ControlChannel::send(const ControlMessage& message, const std::vector<int>& descriptors) {
  std::string text = text_of(message);
  iovec piece{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> space{};
  if (!descriptors.empty()) {
    header.msg_control = space.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

std::optional<ControlPacket> ControlChannel::receive() {
  std::string text(most_bytes, '\0');
  iovec piece{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> space{};
  header.msg_control = space.data();
  header.msg_controllen = space.size();
  ssize_t got = 0;
  // An end that died with messages unread gives one ECONNRESET, before what it had sent.
  do got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got <= 0) return std::nullopt;
  ControlPacket packet;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr; rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, most_descriptors> numbers{};
    const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(numbers.data(), CMSG_DATA(rights), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) packet.descriptors.emplace_back(numbers[i]);
  }
  auto message = message_of(std::string_view(text).substr(0, static_cast<std::size_t>(got)));
  if (!message) return std::nullopt;
  packet.message = std::move(*message);
  return packet;
}

}  // namespace telltale::sources
