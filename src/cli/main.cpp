#include "cli/cli.h"

int main(int argc, char** argv) {
  return telltale::cli::run(argc, argv);
}
