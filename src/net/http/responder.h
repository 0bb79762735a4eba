// Makes the Responder of one request.
#pragma once

#include <functional>
#include <memory>

#include "net/http/http.h"
#include "net/io/io_loop.h"

namespace telltale::net {

// `deliver` runs on the loop's thread, once: with the answer, or with a 500 when the responder is dropped without one. After the loop's
// end it does not run.
Responder make_responder(const std::shared_ptr<IoLoop>& loop, std::function<void(Response)> deliver);

}  // namespace telltale::net
