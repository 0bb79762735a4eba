// The store with its writer: one thread of its own, or none, so that tests can drive it step by step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/task_group.h"
#include "store/engine/inspector.h"
#include "store/engine/state.h"
#include "store/engine/store.h"
#include "store/engine/store_id.h"
#include "store/engine/write_queue.h"
#include "store/engine/writer.h"

namespace telltale::store {

// Who runs the writer. `caller`: flush(), close() and pump() do, on the thread that calls them; only one thread may use the store then.
enum class Drive : std::uint8_t { own_thread, caller };

class Engine final : public Store, private record::BatchSink {
 public:
  static base::Result<std::unique_ptr<Engine>> open(base::Files& files, const base::Clock& clock, base::Random& random,
                                                    telemetry::Metrics& metrics, const StoreOptions& options,
                                                    std::vector<record::CommitListener*> listeners, Drive drive);
  ~Engine() override;

  // Drive::caller: does what is due now.
  void pump();
  // Drive::caller: what the inspecting thread does from time to time: looks at notes and files.
  void look();

  base::Status scan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) const override;
  std::vector<StreamRef> streams() const override;
  StoreStats stats() const override;
  std::string cursor(Sequence sequence) const override;
  base::Result<Sequence> read_cursor(std::string_view text) const override;
  record::BatchSink& sink() override { return *this; }
  std::vector<Position> positions() const override;
  base::Result<Committed> flush(bool durable, std::int64_t timeout_ns) override;
  const base::KeyedHasher& hasher() const override { return hasher_; }
  base::Status close() override;

 private:
  struct Opening;
  Engine(Opening opening, Drive drive);

  record::PushOutcome try_push(record::Batch& batch) override;
  void on_space(std::function<void()> callback) override { queue_.on_space(std::move(callback)); }
  void run();
  void step(bool hurry);
  // Writes what there is; false when that is not possible now.
  bool drain();
  // Inspects what is suspected.
  void attend();
  void inspect_until_stopped();

  base::Files& files_;
  const base::Clock& clock_;
  const StoreOptions options_;
  const Drive drive_;
  const std::unique_ptr<base::FileLock> lock_;
  const StoreId id_;
  const base::KeyedHasher hasher_;
  BatchEncoder encoder_;
  StoreState state_;
  WriteQueue queue_;
  WriterMetrics metrics_;
  Writer writer_;
  mutable Inspector inspector_;
  base::TaskGroup tasks_;
  bool closed_ = false;
};

}  // namespace telltale::store
