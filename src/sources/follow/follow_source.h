// Follows the streams of one kind of server (docs/reference/follow-streams.md): Docker's, Kubernetes', the scripted one of the tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sources/follow/follow_stream.h"
#include "sources/source.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

// What the source works with. All of it outlives the source.
struct FollowSourcePorts {
  const base::Clock& clock;
  record::BlockSink& blocks;        // the pipeline
  record::BatchSink& batches;       // the store: gap records and marks
  base::Random& random;             // for waits
  const base::KeyedHasher& hasher;  // the store's key: marks are hashes of log lines
  telemetry::Metrics& metrics;
};

// One thread, which does all but moving bytes; that is the transports'. start() once, stop() once (the destructor does it too); all else
// from any thread. Connections may tell things after it is gone. on_commit must be told of every commit from start() on.
class FollowSource final : public Source, public record::CommitListener {
 public:
  // `positions` as the store has them; of those only the ones of options.kind are looked at.
  FollowSource(FollowOptions options, FollowSourcePorts ports, const std::vector<record::Position>& positions);
  ~FollowSource() override;
  FollowSource(const FollowSource&) = delete;
  FollowSource& operator=(const FollowSource&) = delete;

  base::Status start() override;
  void stop() override;
  SourceHealth health() const override;
  // Each server is asked what it has by now; a line without its end is not waited for.
  BarrierReport barrier(std::int64_t timeout_ns) override;
  void on_commit(const record::CommittedBatchRef& batch) override;
  void on_position(const record::Position& position) override;

  // Follows a target from where an engine before was with its key; its key begins with options.kind and a colon. A target that is followed
  // already is left as it is. What its server says is gone is forgotten by itself.
  void follow(FollowTarget target);
  // Asks no more. `forget`: its position is removed, nothing will be followed under this key again.
  void leave(std::string_view key, bool forget);
  // Something happened there (a container was started): it is asked at once and not when its wait is over.
  void ask_now(std::string_view key);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::sources
