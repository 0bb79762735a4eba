// DATA/engine.json: how commands on the same machine find a running engine and its token. Readable by its owner alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace telltale::app {

struct EngineFile {
  std::string url;  // http://127.0.0.1:8765
  std::int64_t pid = 0;
  std::string version;
  std::string token;  // empty: none is asked for
  bool operator==(const EngineFile&) const = default;
};

base::Status write_engine_file(base::Files& files, const std::string& data_folder, const EngineFile& engine);
// Nothing when there is no such file; malformed text is an error. It may be of an engine that was killed.
base::Result<std::optional<EngineFile>> read_engine_file(base::Files& files, const std::string& data_folder);
// The one that `engine` wrote: what another engine has written since (the folder was moved away and made anew under this one) stays. Good
// also when it is gone already.
base::Status remove_engine_file(base::Files& files, const std::string& data_folder, const EngineFile& engine);

}  // namespace telltale::app
