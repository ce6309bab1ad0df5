#pragma once

#include <cstddef>

#include "fd_plan.h"
#include "spawn.h"

namespace dobby {

/** What the child tells its parent when it fails; shorter than PIPE_BUF, so it arrives whole. */
struct Failure {
  int step;
  int error;
};

/** All that the child needs, worked out by its parent. */
struct ChildPlan {
  const char* path;
  const char* cwd;
  char* const* argv;
  char* const* envp;
  const FdMove* moves;
  size_t move_count;
  int target_count;
  int image_fd;
  const char* image_path;  // the same file for kernels and emulators without execveat(2)
  int failure_fd;
  int highest_fd;
  bool shares_table;
  SpawnAttributes attributes;
};

/**
 * The child, from clone to exec. It runs in its parent's memory while the parent's thread stands still and the
 * parent's other threads run on. Allowed here: system calls, the plan, this stack. Not allowed: allocating,
 * locks, library objects, anything that remembers something (errno is the parent thread's own: it is waiting).
 * With shares_table, nothing may be done to a descriptor before the table has been unshared.
 */
int run_child(void* plan);

/** Whether an error means that the kernel, or a filter before it, does not know the call. */
bool is_unknown_call(int error);

}  // namespace dobby
