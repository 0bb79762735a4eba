// The output of started programs, as relays hand it on (docs/reference/process-source.md).
//
// A relay is the process that reads the programs' pipes. It keeps what was not committed yet and says it again after it connected anew, to
// this engine or the one after it: each line once while its memory lasts, then a gap.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/ports.h"
#include "record/stream.h"
#include "sources/process/relay_message.h"
#include "sources/source.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

// A connection to a relay. Thread-safe.
class RelayPeer {
 public:
  virtual ~RelayPeer() = default;
  virtual void send(std::string text) = 0;
  // After what was sent. `why` is for the relay's log.
  virtual void close(std::string_view why) = 0;
};
using RelayConnection = std::uint64_t;

struct ProcessSourceOptions {
  std::uint64_t max_line_bytes = relay_max_line_bytes;
  std::string host;                                               // this machine's name; a relay that says the same has the same clock
  std::int64_t barrier_patience_ns = 3 * base::nanos_per_second;  // barriers wait for streams whose relay went away no longer than that ago
  std::int64_t lost_after_ns = 30 * base::nanos_per_second;       // and when it stays away for so long, that is a gap
};

// What the source works with. All of it outlives the source.
struct ProcessSourcePorts {
  const base::Clock& clock;
  record::BlockSink& blocks;   // the pipeline
  record::BatchSink& batches;  // the store: gap records only, never before the data they follow
  telemetry::Metrics& metrics;
  std::function<std::string(std::string_view)> redact_label;  // applied to every label value, on the source's thread; empty: none
};

// One thread, which does all but counting. start() once, stop() once (the destructor does it too); all else from any thread.
class ProcessSource final : public Source, public record::CommitListener {
 public:
  // `positions` and `streams` as the store has them: streams of an engine before that did not end.
  ProcessSource(ProcessSourceOptions options, ProcessSourcePorts ports, const std::vector<record::Position>& positions,
                const std::vector<record::StreamRef>& streams);
  ~ProcessSource() override;
  ProcessSource(const ProcessSource&) = delete;
  ProcessSource& operator=(const ProcessSource&) = delete;

  base::Status start() override;
  // What is on its way is left: relays send it again to the next engine.
  void stop() override;
  SourceHealth health() const override;
  // Asks the relays, which answer when their pipes were empty and all was sent. A line without its end is not waited for.
  BarrierReport barrier(std::int64_t timeout_ns) override;
  void on_commit(const record::CommittedBatchRef& batch) override;
  void on_position(const record::Position& position) override;

  // A connection's messages, in order; `peer` is kept until disconnect(). What breaks the protocol closes the connection.
  RelayConnection connect(std::shared_ptr<RelayPeer> peer);
  void text(RelayConnection connection, std::string_view message);
  void binary(RelayConnection connection, std::string_view message);
  void disconnect(RelayConnection connection);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::sources
