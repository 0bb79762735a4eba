// The command line. Exit codes everywhere: 0 good, 3 what was checked failed, 4 warnings only, 2 wrong usage or configuration, 1 the tool
// failed. What was asked for goes to standard output, everything else to standard error.
#pragma once

namespace telltale::cli {

int run(int argc, char** argv);

}  // namespace telltale::cli
