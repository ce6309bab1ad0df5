#pragma once

// Just enough of a test framework: tests register themselves, a failed check says where and ends the program.

#include <dirent.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                               \
    }                                                                        \
  } while (0)

#define CHECK_EQUAL(actual, expected)                                                                \
  do {                                                                                               \
    const auto actual_value = static_cast<long long>(actual);                                        \
    const auto expected_value = static_cast<long long>(expected);                                    \
    if (actual_value != expected_value) {                                                            \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, actual_value, expected_value); \
      exit(1);                                                                                       \
    }                                                                                                \
  } while (0)

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

inline int count_descriptors() {
  int count = 0;
  DIR* const directory = opendir("/proc/self/fd");
  while (readdir(directory)) count++;
  closedir(directory);
  return count - 3;  // . and .. and the directory itself
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
