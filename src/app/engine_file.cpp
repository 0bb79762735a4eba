#include "app/engine_file.h"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace telltale::app {

namespace {

constexpr std::uint64_t max_file_bytes = 64 * 1024;

std::string path_of(const std::string& data_folder) {
  return base::join_path(data_folder, "engine.json");
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

base::Status write_engine_file(base::Files& files, const std::string& data_folder, const EngineFile& engine) {
  const boost::json::object object{{"url", engine.url}, {"pid", engine.pid}, {"version", engine.version}, {"token", engine.token}};
  return base::write_file_atomically(files, path_of(data_folder), boost::json::serialize(object) + "\n");
}

base::Result<std::optional<EngineFile>> read_engine_file(base::Files& files, const std::string& data_folder) {
  const std::string path = path_of(data_folder);
  auto text = base::read_file(files, path, max_file_bytes);
  if (!text) {
    if (text.error().code == base::ErrorCode::file_not_found) return std::optional<EngineFile>();
    return base::pass(text);
  }
  boost::system::error_code error;
  const auto value = boost::json::parse(*text, error);
  if (error || !value.is_object()) {
    return base::fail(base::ErrorCode::io_error, fmt::format("{} is not what an engine writes", path),
                      "Stop the engine, remove the file, start again.");
  }
  const auto& object = value.as_object();
  EngineFile engine{.url = text_of(object, "url"), .pid = 0, .version = text_of(object, "version"), .token = text_of(object, "token")};
  if (const auto* pid = object.if_contains("pid"); pid != nullptr && pid->is_int64()) engine.pid = pid->as_int64();
  return std::optional<EngineFile>(std::move(engine));
}

base::Status remove_engine_file(base::Files& files, const std::string& data_folder, const EngineFile& engine) {
  const auto found = read_engine_file(files, data_folder);
  if (!found) return std::unexpected(found.error());
  if (*found != engine) return {};
  auto removed = files.remove(path_of(data_folder));
  if (!removed && removed.error().code == base::ErrorCode::file_not_found) return {};
  return removed;
}

}  // namespace telltale::app
