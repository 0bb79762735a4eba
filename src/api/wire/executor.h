// Where the API runs what must not be done on the net thread.
#pragma once

#include <functional>

namespace telltale::api {

// Implemented by app/ (a pool of threads). Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // False: too many tasks wait, or the executor is closed; the task was not taken.
  virtual bool post(std::function<void()> task) = 0;
};

}  // namespace telltale::api
