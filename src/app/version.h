// What this build is.
#pragma once

#include <string>

namespace telltale::app {

// "0.1.0"
const std::string& version();
// "telltale 0.1.0"
std::string version_text();

}  // namespace telltale::app
