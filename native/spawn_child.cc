#include "spawn_child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>

#include "spawn.h"
#include "syscalls.h"

/**
 * On every function of the child: it never returns from its stack, which the sanitizers would hold against the
 * next one, and it runs beside the parent's other threads without a thread of its own.
 */
#define DOBBY_CHILD_SIDE \
  __attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

namespace dobby {
namespace {

[[noreturn]] DOBBY_CHILD_SIDE void fail(const ChildPlan& plan, SpawnStep step) {
  const Failure failure = {static_cast<int>(step), errno};
  while (write(plan.failure_fd, &failure, sizeof failure) < 0 && errno == EINTR) {
  }
  _exit(127);
}

struct DirectoryEntry {  // linux_dirent64
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[1];
};

/** Kernels before 5.11: one fcntl per open descriptor. False when /proc is not there. */
DOBBY_CHILD_SIDE bool mark_listed_close_on_exec(int first) {
  const int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  alignas(DirectoryEntry) char buffer[4096];
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (length <= 0) {
      close(directory);
      return length == 0;
    }
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry->size;
      int fd = 0;
      const char* digit = entry->name;
      for (; *digit >= '0' && *digit <= '9'; digit++) fd = fd * 10 + (*digit - '0');
      if (*digit == '\0' && fd >= first) fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
}

DOBBY_CHILD_SIDE void mark_close_on_exec(const ChildPlan& plan) {
  if (close_range(plan.target_count, ~0u, kCloseRangeCloexec) == 0) return;
  if (!is_unknown_call(errno)) fail(plan, SpawnStep::kCloseOnExec);
  if (mark_listed_close_on_exec(plan.target_count)) return;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail(plan, SpawnStep::kCloseOnExec);
  for (rlim_t fd = plan.target_count; fd < limit.rlim_cur; fd++) fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

DOBBY_CHILD_SIDE void place_descriptors(const ChildPlan& plan) {
  for (size_t i = 0; i < plan.move_count; i++) {
    const FdMove& move = plan.moves[i];
    int result;
    if (move.from == move.to) {
      result = fcntl(move.to, F_SETFD, 0);
    } else if (move.to < plan.target_count) {
      result = dup2(move.from, move.to);
    } else {
      result = dup3(move.from, move.to, O_CLOEXEC);
    }
    if (result < 0) fail(plan, SpawnStep::kDescriptors);
  }
}

DOBBY_CHILD_SIDE void reset_signals() {
  // A zeroed structure is SIG_DFL without flags in every architecture's layout. Ignored signals stay ignored
  // across exec, and a handler of the parent must not run here, in its memory.
  const unsigned long default_action[8] = {};
  for (int signal = 1; signal <= 64; signal++) {
    syscall(SYS_rt_sigaction, signal, default_action, nullptr, sizeof(uint64_t));
  }
}

}  // namespace

DOBBY_CHILD_SIDE bool is_unknown_call(int error) {
  // EPERM: the answer of older seccomp filters (Docker's among them) to calls they have never heard of.
  return error == ENOSYS || error == EINVAL || error == EPERM;
}

// What may be done here is written at its declaration.
DOBBY_CHILD_SIDE int run_child(void* argument) {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(argument);

  if (plan.shares_table && close_range(plan.highest_fd + 1, ~0u, kCloseRangeUnshare) != 0) {
    fail(plan, SpawnStep::kUnshare);
  }
  reset_signals();
  if (setsid() < 0) fail(plan, SpawnStep::kSession);
  umask(022);
  if (chdir(plan.cwd) != 0) fail(plan, SpawnStep::kChdir);
  place_descriptors(plan);
  mark_close_on_exec(plan);

  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  if (plan.image_fd >= 0) {
    execveat(plan.image_fd, "", plan.argv, plan.envp, kEmptyPath);
    if (errno == ENOSYS) execve(plan.image_path, plan.argv, plan.envp);
  } else {
    execve(plan.path, plan.argv, plan.envp);
  }
  fail(plan, SpawnStep::kExec);
}

}  // namespace dobby
