#include <cstdio>
#include <stdexcept>

int main() {
  std::fprintf(stderr, "start\n");
  throw std::runtime_error("no order 7");
}
