// ${NAME}, ${NAME:-default} and ${scheme:reference} in texts.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/load.h"

namespace telltale::config {

class Interpolator {
 public:
  // `files` and `request` outlive it.
  Interpolator(base::Files& files, const LoadRequest& request) : files_(files), request_(request) {}

  struct Text {
    std::string text;
    bool replaced = false;  // something came from elsewhere
  };
  // Replaces every ${...} once (what is put in is not looked at again). The error has the code and the message.
  std::expected<Text, Problem> operator()(std::string_view text) const;

 private:
  std::expected<std::string, Problem> resolve(std::string_view reference) const;
  std::expected<std::string, Problem> read_secret_file(const std::string& path) const;

  base::Files& files_;
  const LoadRequest& request_;
};

}  // namespace telltale::config
