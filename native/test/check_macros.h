#pragma once

// What tests and fuzz targets have in common: a failed check says where and ends the program, which a fuzzer
// takes for a find.

#include <dirent.h>

#include <cstdio>
#include <cstdlib>

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

inline int count_descriptors() {
  int count = 0;
  DIR* const directory = opendir("/proc/self/fd");
  while (readdir(directory)) count++;
  closedir(directory);
  return count - 3;  // . and .. and the directory itself
}
