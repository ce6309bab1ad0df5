#pragma once

#include "fd_plan.h"

#include <map>
#include <vector>

#include "check_macros.h"

struct PlannedEntry {
  int file;
  bool is_cloexec;
};

/** Carries a plan out on a table in which descriptor n is file n, and checks what comes out. */
inline void check_plan(const std::vector<int>& sources, const std::vector<int>& reserved) {
  std::map<int, PlannedEntry> table;
  for (const int source : sources) table[source] = {source, true};
  for (const int fd : reserved) table[fd] = {fd, true};
  const int count = static_cast<int>(sources.size());

  for (const dobby::FdMove& move : dobby::plan_descriptors(sources, reserved)) {
    CHECK(table.count(move.from) == 1);
    if (move.from == move.to) {
      table[move.to].is_cloexec = false;
    } else {
      table[move.to] = {table[move.from].file, move.to >= count};
    }
  }
  for (int i = 0; i < count; i++) {
    CHECK(table.count(i) == 1);
    CHECK_EQUAL(table[i].file, sources[i]);
    CHECK(!table[i].is_cloexec);
  }
  for (const auto& [fd, entry] : table) {
    if (fd >= count) CHECK(entry.is_cloexec);
  }
  for (const int fd : reserved) CHECK_EQUAL(table[fd].file, fd);
}
