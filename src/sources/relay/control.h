// What a relay and the process that started it say to each other, over a socket pair that also carries descriptors. Both are the same
// program: this is no interface for others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "sources/process/relay_message.h"

namespace telltale::sources {

// The control socket's number in a relay's process, as its starter passes it.
inline constexpr int relay_control_descriptor = 3;

struct ControlMessage {
  enum class Kind : std::uint8_t {
    // To the relay.
    start,   // first: text is the run, host; a descriptor: the progress
    stream,  // number, key, labels, ready_text, flag: its bytes before were another relay's; descriptors: the pipe, and what it is passed
             // to
    group,   // number is a process group that is ended when the starter dies
    ungroup,
    drain,   // answered by drained with the same number when all that the pipes hold now is stored (flag: only passed on), or after
             // timeout_ms
    tail,    // answered by tailed: the last lines of the streams whose service is text
    finish,  // nothing more comes: it ends when its pipes do
    // From the relay.
    ready,   // of the stream number: a line held its ready_text
    closed,  // nobody reads what the stream number is passed to
    ended,   // the pipe of the stream number ended
    state,   // flag: connected to an engine; else text says why not
    drained,
    tailed,  // lines
  };
  Kind kind = Kind::start;
  std::uint64_t number = 0;
  std::string text = {};
  std::string host = {};
  std::string key = {};
  std::string ready_text = {};
  std::vector<std::pair<std::string, std::string>> labels = {};
  std::vector<std::string> lines = {};
  bool flag = false;
  std::uint64_t timeout_ms = 0;
  // Of drained; flag: all of it is.
  std::uint64_t kept_lines = 0;     // that no engine has taken
  std::uint64_t dropped_lines = 0;  // for want of room
  int through_failure = 0;          // errno of what kept output from being passed on
};

struct ControlPacket {
  ControlMessage message;
  std::vector<base::Descriptor> descriptors;
};

// One end. Its calls may come from two threads: one that sends, one that receives.
class ControlChannel {
 public:
  static base::Result<std::pair<ControlChannel, ControlChannel>> make_pair();
  explicit ControlChannel(base::Descriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const { return socket_.get(); }
  // False when the other side is gone. Waits when it is slow.
  bool send(const ControlMessage& message, const std::vector<int>& descriptors = {});
  // Waits for the next; nothing when the other side is gone.
  std::optional<ControlPacket> receive();

 private:
  base::Descriptor socket_;
};

}  // namespace telltale::sources
