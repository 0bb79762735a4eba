// ${NAME}, ${NAME:-default} and ${scheme:reference} in texts.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"

namespace telltale::config {

class Interpolator {
 public:
  // `files` and `request` outlive it. Relative paths of ${file:...} start at `folder`; empty: at the working folder.
  Interpolator(base::Files& files, const LoadRequest& request, std::string folder = {})
      : files_(files), request_(request), folder_(std::move(folder)) {}

  struct Text {
    std::string text;
    bool replaced = false;  // something came from elsewhere
    bool stored = false;    // from a file or a store of secrets, not from a variable alone
  };
  // Replaces every ${...} once (what is put in is not looked at again). The error has the code and the message.
  std::expected<Text, Problem> operator()(std::string_view text) const;

  // What is wrong with the text's ${...} as such, whatever is set; nothing when they could be replaced somewhere.
  static std::optional<Problem> syntax_problem(std::string_view text);

 private:
  std::expected<std::string, Problem> resolve(std::string_view reference, bool& stored) const;
  std::expected<std::string, Problem> read_secret_file(const std::string& path) const;

  base::Files& files_;
  const LoadRequest& request_;
  const std::string folder_;
};

// `text` with "$${" for "${": reading it gives `text` again.
std::string escape_references(std::string_view text);

}  // namespace telltale::config
