#include "net/http/responder.h"

#include <atomic>
#include <utility>

namespace telltale::net {

namespace {

// All copies of a Responder own it together; the last one that goes without an answer answers.
class ResponseSlot {
 public:
  ResponseSlot(std::weak_ptr<IoLoop> loop, std::function<void(Response)> deliver) : loop_(std::move(loop)), deliver_(std::move(deliver)) {}
  ~ResponseSlot() { answer(problem({base::ErrorCode::internal, "the request was dropped without an answer", {}})); }
  ResponseSlot(const ResponseSlot&) = delete;
  ResponseSlot& operator=(const ResponseSlot&) = delete;

  void answer(Response response) {
    if (answered_.exchange(true)) return;
    const auto loop = loop_.lock();
    if (!loop) return;
    loop->dispatch([deliver = std::move(deliver_), response = std::move(response)]() mutable { deliver(std::move(response)); });
  }

 private:
  const std::weak_ptr<IoLoop> loop_;
  std::function<void(Response)> deliver_;
  std::atomic<bool> answered_{false};
};

}  // namespace

Responder make_responder(const std::shared_ptr<IoLoop>& loop, std::function<void(Response)> deliver) {
  auto slot = std::make_shared<ResponseSlot>(loop, std::move(deliver));
  return [slot](Response response) { slot->answer(std::move(response)); };
}

}  // namespace telltale::net
