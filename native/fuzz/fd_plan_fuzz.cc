// plan_descriptors on any list of sources and reserved numbers, carried out on a table of descriptors.

#include <vector>

#include "input.h"
#include "simulate_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  std::vector<int> reserved(input.byte() % 4);
  for (int& fd : reserved) fd = input.byte();
  // Small numbers, so that sources meet each other's places; one in eight is a large one.
  std::vector<int> sources;
  while (!input.empty()) {
    const int fd = input.byte();
    sources.push_back(fd < 224 ? fd : fd << 8 | input.byte());
  }
  // Reserved numbers are lifted above the program's own.
  for (int& fd : reserved) fd += static_cast<int>(sources.size());
  for (int& fd : sources) {
    for (const int other : reserved) {
      if (fd == other) fd = 0;
    }
  }
  check_plan(sources, reserved);
  return 0;
}
