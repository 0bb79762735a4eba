#include "config/interpolate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::config {

namespace {

constexpr std::uint64_t max_secret_bytes = 64 * 1024;

Problem problem(base::ErrorCode code, std::string message) {
  return {code, {}, 0, {}, {}, std::move(message)};
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::expected<std::string, Problem> Interpolator::read_secret_file(const std::string& path) const {
  auto text = base::read_file(files_, path, max_secret_bytes);
  if (!text)
    return std::unexpected(problem(base::ErrorCode::secret_missing, "the file of ${file:...} cannot be used: " + text.error().cause));
  // Editors and `echo` end files with a line's end, which is no part of the secret.
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return std::move(*text);
}

std::expected<std::string, Problem> Interpolator::resolve(std::string_view reference) const {
  const auto name_end = std::find_if_not(reference.begin(), reference.end(), is_name_byte);
  const std::string name(reference.begin(), name_end);
  const std::string_view rest = reference.substr(name.size());
  if (name.empty() || (!rest.empty() && !rest.starts_with(':'))) {
    return std::unexpected(
        problem(base::ErrorCode::config_invalid_value,
                fmt::format("holds ${{{}}}, which is none of ${{NAME}}, ${{NAME:-default}} and ${{file:/path}}; write $${{ for "
                            "the characters themselves",
                            base::to_printable(reference))));
  }
  if (rest.empty() || rest.starts_with(":-")) {
    const auto value = request_.environment ? request_.environment(name) : std::nullopt;
    if (value && (!value->empty() || rest.empty())) return *value;
    if (rest.starts_with(":-")) return std::string(rest.substr(2));
    return std::unexpected(
        problem(base::ErrorCode::secret_missing, fmt::format("needs the environment variable {}, which is not set", name)));
  }
  const std::string place(rest.substr(1));
  if (const auto source = request_.secrets.find(name); source != request_.secrets.end()) {
    auto secret = source->second(place);
    if (!secret) return std::unexpected(problem(secret.error().code, std::move(secret.error().cause)));
    return std::move(*secret);
  }
  if (name == "file") return read_secret_file(place);
  return std::unexpected(problem(base::ErrorCode::config_invalid_value,
                                 fmt::format("uses ${{{}:...}}, but there is no such kind of secret; there is ${{file:/path}}", name)));
}

std::expected<Interpolator::Text, Problem> Interpolator::operator()(std::string_view text) const {
  Text result;
  while (!text.empty()) {
    const auto begin = text.find("${");
    if (begin == std::string_view::npos) break;
    if (begin > 0 && text[begin - 1] == '$') {  // $${
      result.text.append(text.substr(0, begin - 1)).append("${");
      text.remove_prefix(begin + 2);
      continue;
    }
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) {
      return std::unexpected(
          problem(base::ErrorCode::config_invalid_value, "holds a ${ without its }; write $${ for the characters themselves"));
    }
    auto value = resolve(text.substr(begin + 2, end - begin - 2));
    if (!value) return std::unexpected(std::move(value.error()));
    result.text.append(text.substr(0, begin)).append(*value);
    result.replaced = true;
    text.remove_prefix(end + 1);
  }
  result.text.append(text);
  return result;
}

}  // namespace telltale::config
