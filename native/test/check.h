#pragma once

// Just enough of a test framework: tests register themselves, and are run one after the other.

#include <cstdio>
#include <vector>

#include "check_macros.h"

/** For what the machine cannot do: an emulator has no ptrace, no seccomp and no subreaper. */
#define SKIP_UNLESS(condition)                          \
  do {                                                  \
    if (!(condition)) {                                 \
      printf("skipped, no %s: ", #condition);           \
      return;                                           \
    }                                                   \
  } while (0)

#define TEST(name)                                      \
  static void name();                                   \
  static const bool name##_added = add_test(#name, name); \
  static void name()

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

inline bool add_test(const char* name, void (*run)()) {
  all_tests().push_back({name, run});
  return true;
}

int main() {
  for (const Test& test : all_tests()) {
    const int before = count_descriptors();
    test.run();
    if (count_descriptors() != before) {
      fprintf(stderr, "%s: %d descriptors before, %d after\n", test.name, before, count_descriptors());
      return 1;
    }
    printf("ok %s\n", test.name);
  }
  return 0;
}
