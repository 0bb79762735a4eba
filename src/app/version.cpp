#include "app/version.h"

namespace telltale::app {

const std::string& version() {
  static const std::string text = TELLTALE_VERSION;
  return text;
}

std::string version_text() {
  return "telltale " + version();
}

}  // namespace telltale::app
