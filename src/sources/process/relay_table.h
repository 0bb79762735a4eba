// All relays and their streams, without the thread: what comes in, what is handed on, who waits for what.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sources/process/process_source.h"
#include "sources/process/process_stream.h"

namespace telltale::sources {

// telltale_source_* of relays; the references live in a Metrics.
struct ProcessMetrics {
  explicit ProcessMetrics(telemetry::Metrics& registry);
  void count_gap(record::GapReason reason);

  telemetry::Metrics& metrics;
  telemetry::Counter& lines;
  telemetry::Counter& bytes;
  telemetry::Counter& truncated_lines;
  telemetry::Counter& again;
  telemetry::Gauge& lag;
  telemetry::Gauge& relays;
  telemetry::Gauge& streams;
};

// Synchronous; one thread. `on_space` of advance() may be called by any.
class RelayTable {
 public:
  RelayTable(const ProcessSourceOptions& options, const ProcessSourcePorts& ports, ProcessMetrics& metrics);

  // A stream that an engine before left without an end.
  void restore(std::string key, record::StreamRef stream, const StreamPlace& committed);

  void connect(RelayConnection id, std::shared_ptr<RelayPeer> peer);
  void text(RelayConnection id, std::string_view message);
  void binary(RelayConnection id, std::string_view message, base::UnixNanos arrived);
  void disconnect(RelayConnection id);
  void committed(const std::string& key, const StreamPlace& at);
  // The end of a stream is.
  void committed_end(const std::string& key);
  // Hands on what can be, tells relays what was stored, states what is lost for good.
  void advance(const std::function<void()>& on_space);
  // When advance() has something to do although nothing happens; nothing: never.
  std::optional<base::MonoNanos> next_deadline() const;

  // A barrier: what each relay is asked for and what must be committed then.
  struct Barrier {
    std::uint64_t id = 0;
    std::set<RelayConnection> asked;
    std::vector<std::pair<std::string, StreamPlace>> targets;
  };
  Barrier begin_barrier(std::uint64_t id);
  // False: it is complete, or what is missing will hardly come.
  bool is_worth_waiting(const Barrier& barrier) const;
  // Names what is missing; empty: it is complete.
  std::vector<std::string> missing(const Barrier& barrier) const;
  // Relays that said since the last call that they are done; each with the barrier's number.
  std::vector<std::pair<RelayConnection, std::uint64_t>> take_answers();
  void answered(Barrier& barrier, RelayConnection relay) const;

  SourceHealth health() const;

 private:
  struct Connection {
    std::shared_ptr<RelayPeer> peer;  // the connection's handler owns it too
    RelayHello hello;
    bool greeted = false;
    std::map<std::uint32_t, std::string> keys;  // its numbers of streams
  };
  struct Followed {
    ProcessStream stream;
    RelayConnection owner = 0;  // 0: its relay is gone
    std::uint32_t number = 0;   // the owner's
    std::string relay;          // whose bytes came last
    base::MonoNanos left = 0;   // when the owner went
    bool news = false;          // more is committed than the owner was told
    bool ending = false;        // nothing follows
    bool released = false;      // its end is handed on
    bool given_up = false;      // without its relay
  };

  void take(RelayConnection id, Connection& connection, const RelayHello& hello);
  void take(RelayConnection id, Connection& connection, const RelayStream& stream);
  void take(RelayConnection id, Connection& connection, const RelayEnd& end);
  void take(RelayConnection id, Connection& connection, const RelayRelease& release);
  void take(RelayConnection id, Connection& connection, const RelayBarrierDone& done);
  Followed* owned(RelayConnection id, Connection& connection, std::uint32_t number);
  record::StreamRef make_stream(const Connection& connection, const RelayStream& stream) const;
  void refuse(RelayConnection id, const std::string& why);
  void tell(Followed& followed);
  void give_up_lost();
  base::UnixNanos sent_at(const Connection& connection, const RelayBlock& block, base::UnixNanos arrived) const;
  record::GapReason reason_for(const Followed& followed, const Connection& connection) const;
  static std::string name_of(const Followed& followed);

  const ProcessSourceOptions options_;
  const ProcessSourcePorts& ports_;
  ProcessMetrics& metrics_;
  std::map<RelayConnection, Connection> connections_;
  std::map<std::string, Followed> streams_;  // by key
  std::vector<std::pair<RelayConnection, std::uint64_t>> answers_;
};

}  // namespace telltale::sources
