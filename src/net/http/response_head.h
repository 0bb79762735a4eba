// The head of a server's answer.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "net/http/body_reader.h"
#include "net/http/http.h"

namespace telltale::net {

struct ResponseHead {
  int status = 0;
  std::string content_type;
  Headers headers;  // names in lower case
  BodyFraming framing;
};

// Takes a whole head from the front of `input`; nothing while there is none. `head_only`: the answer to HEAD, which has no body.
// connection_lost when it cannot be read.
base::Result<std::optional<ResponseHead>> take_response_head(std::string& input, bool head_only);

}  // namespace telltale::net
