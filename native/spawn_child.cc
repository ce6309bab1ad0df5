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

/** Its own alone: a vfork child's score is not that of those who share its memory (Linux 4.8, fs/proc/base.c). */
DOBBY_CHILD_SIDE void set_oom_score_adj(const ChildPlan& plan) {
  const int value = plan.attributes.oom_score_adj;
  char text[8];
  char* at = text + sizeof text;
  for (int rest = value < 0 ? -value : value; at == text + sizeof text || rest > 0; rest /= 10) {
    *--at = static_cast<char>('0' + rest % 10);
  }
  if (value < 0) *--at = '-';
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, at, static_cast<size_t>(text + sizeof text - at)) < 0) fail(plan, SpawnStep::kAttributes);
  close(fd);
}

DOBBY_CHILD_SIDE void set_attributes(const ChildPlan& plan) {
  const SpawnAttributes& wanted = plan.attributes;
  constexpr int kKeep = SpawnAttributes::kKeep;
  if (wanted.oom_score_adj != kKeep) set_oom_score_adj(plan);
  constexpr int kWhoProcess = 1;
  if (wanted.io_priority != kKeep && syscall(SYS_ioprio_set, kWhoProcess, 0, wanted.io_priority) != 0) {
    fail(plan, SpawnStep::kAttributes);
  }
  if (wanted.open_files != kKeep) {
    rlimit limit = {};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail(plan, SpawnStep::kAttributes);
    limit.rlim_cur = static_cast<rlim_t>(wanted.open_files);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail(plan, SpawnStep::kAttributes);
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
  umask(plan.attributes.umask == SpawnAttributes::kKeep ? 022 : static_cast<mode_t>(plan.attributes.umask));
  if (chdir(plan.cwd) != 0) fail(plan, SpawnStep::kChdir);
  place_descriptors(plan);
  mark_close_on_exec(plan);
  // Last: a lower limit of descriptors would stand in the way of placing them.
  set_attributes(plan);

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
