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

// What stands between ${ and }.
struct Reference {
  std::string name;                      // of a variable, or a scheme
  std::optional<std::string> place;      // of a scheme
  std::optional<std::string> otherwise;  // of a variable, after :-
};

std::expected<Reference, Problem> parse_reference(std::string_view text) {
  const auto name_end = std::find_if_not(text.begin(), text.end(), is_name_byte);
  const std::string name(text.begin(), name_end);
  const std::string_view rest = text.substr(name.size());
  if (name.empty() || (!rest.empty() && !rest.starts_with(':'))) {
    return std::unexpected(
        problem(base::ErrorCode::config_invalid_value,
                fmt::format("holds ${{{}}}, which is none of ${{NAME}}, ${{NAME:-default}} and ${{file:/path}}; write $${{ for "
                            "the characters themselves",
                            base::to_printable(text))));
  }
  if (rest.empty()) return Reference{name, {}, {}};
  if (rest.starts_with(":-")) return Reference{name, {}, std::string(rest.substr(2))};
  return Reference{name, std::string(rest.substr(1)), {}};
}

// The text with every ${...} given to `resolve`; $${ stands for ${ itself.
template <class Resolve>
std::expected<std::string, Problem> replace_all(std::string_view text, Resolve resolve) {
  std::string result;
  while (!text.empty()) {
    const auto begin = text.find("${");
    if (begin == std::string_view::npos) break;
    if (begin > 0 && text[begin - 1] == '$') {  // $${
      result.append(text.substr(0, begin - 1)).append("${");
      text.remove_prefix(begin + 2);
      continue;
    }
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) {
      return std::unexpected(
          problem(base::ErrorCode::config_invalid_value, "holds a ${ without its }; write $${ for the characters themselves"));
    }
    const std::expected<std::string, Problem> value = resolve(text.substr(begin + 2, end - begin - 2));
    if (!value) return std::unexpected(value.error());
    result.append(text.substr(0, begin)).append(*value);
    text.remove_prefix(end + 1);
  }
  return result.append(text);
}

}  // namespace

std::expected<std::string, Problem> Interpolator::read_secret_file(const std::string& path) const {
  const bool from_folder = !folder_.empty() && !path.starts_with('/');
  auto text = base::read_file(files_, from_folder ? base::join_path(folder_, path) : path, max_secret_bytes);
  if (!text)
    return std::unexpected(problem(base::ErrorCode::secret_missing, "the file of ${file:...} cannot be used: " + text.error().cause));
  // Editors and `echo` end files with a line's end, which is no part of the secret.
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return std::move(*text);
}

std::expected<std::string, Problem> Interpolator::resolve(std::string_view text, bool& stored) const {
  const auto reference = parse_reference(text);
  if (!reference) return std::unexpected(reference.error());
  const std::string& name = reference->name;
  if (!reference->place) {
    const auto value = request_.environment ? request_.environment(name) : std::nullopt;
    if (value && (!value->empty() || !reference->otherwise)) return *value;
    if (reference->otherwise) return *reference->otherwise;
    return std::unexpected(problem(base::ErrorCode::secret_missing, fmt::format("{} env var not set", name)));
  }
  stored = true;
  if (const auto source = request_.secrets.find(name); source != request_.secrets.end()) {
    auto secret = source->second(*reference->place);
    if (!secret) return std::unexpected(problem(secret.error().code, std::move(secret.error().cause)));
    return std::move(*secret);
  }
  if (name == "file") return read_secret_file(*reference->place);
  if (name == "vault" || name == "k8s") {
    return std::unexpected(problem(
        base::ErrorCode::secret_missing,
        fmt::format("uses ${{{}:...}}, which is not available in this version of telltale; use ${{NAME}} or ${{file:/path}}", name)));
  }
  return std::unexpected(problem(base::ErrorCode::config_invalid_value,
                                 fmt::format("uses ${{{}:...}}, but there is no such kind of secret; there is ${{file:/path}}", name)));
}

std::expected<Interpolator::Text, Problem> Interpolator::operator()(std::string_view text) const {
  Text result;
  auto replaced = replace_all(text, [&](std::string_view reference) {
    result.replaced = true;
    return resolve(reference, result.stored);
  });
  if (!replaced) return std::unexpected(std::move(replaced.error()));
  result.text = std::move(*replaced);
  return result;
}

std::optional<Problem> Interpolator::syntax_problem(std::string_view text) {
  const auto replaced = replace_all(text, [](std::string_view reference) -> std::expected<std::string, Problem> {
    const auto parsed = parse_reference(reference);
    return parsed ? std::expected<std::string, Problem>(std::string()) : std::unexpected(parsed.error());
  });
  return replaced ? std::nullopt : std::optional(replaced.error());
}

std::string escape_references(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace telltale::config
