#pragma once

// System calls and structures that libc or the build machine's kernel headers may not know. The addon is built
// on old toolchains and must load on glibc 2.28 and musl, so nothing newer than that is taken from libc.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// These three have the same number on every architecture but alpha.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace dobby {

constexpr unsigned kClonePidfd = 0x1000;           // CLONE_PIDFD, Linux 5.2
constexpr unsigned kCloseRangeUnshare = 1u << 1;   // Linux 5.9
constexpr unsigned kCloseRangeCloexec = 1u << 2;   // Linux 5.11
constexpr int kWaitPidfd = 3;                      // P_PIDFD, Linux 5.4
constexpr int kEmptyPath = 0x1000;                 // AT_EMPTY_PATH

constexpr unsigned kMemfdCloexec = 0x1;
constexpr unsigned kMemfdAllowSealing = 0x2;
constexpr unsigned kMemfdNoexecSeal = 0x8;  // Linux 6.3
constexpr unsigned kMemfdExec = 0x10;       // Linux 6.3

constexpr int kAddSeals = 1033;  // F_ADD_SEALS
constexpr int kGetSeals = 1034;  // F_GET_SEALS
constexpr int kSealSeal = 0x1;
constexpr int kSealShrink = 0x2;
constexpr int kSealGrow = 0x4;
constexpr int kSealWrite = 0x8;

/** struct pidfd_info as of Linux 6.15. Only the first 64 bytes, which is the size the first version had. */
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid;
  uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;  // a wait status
};
static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr uint64_t kPidfdInfoExit = 1u << 3;

inline int pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

inline int pidfd_send_signal(int pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

inline int close_range(unsigned first, unsigned last, unsigned flags) {
  return static_cast<int>(syscall(SYS_close_range, first, last, flags));
}

inline int execveat(int fd, const char* path, char* const* argv, char* const* envp, int flags) {
  return static_cast<int>(syscall(SYS_execveat, fd, path, argv, envp, flags));
}

inline int memfd_create(const char* name, unsigned flags) {
  return static_cast<int>(syscall(SYS_memfd_create, name, flags));
}

constexpr uint64_t kAllSignals = ~uint64_t{0};

/**
 * All but those by which libc does to every thread what the kernel does to one only, setuid(2) above all (32 and up to
 * SIGRTMIN): it waits until each thread has answered, so one that blocks them hangs the caller for ever.
 */
inline uint64_t signals_of_programs() {
  constexpr int kFirstOfLibc = 32;
  const uint64_t count_mask = (uint64_t{1} << (SIGRTMIN - kFirstOfLibc)) - 1;
  return kAllSignals & ~(count_mask << (kFirstOfLibc - 1));
}

/**
 * Blocks signals of the calling thread for as long as it lives. By number, since libc's own functions would not block
 * those of its own, and pthread_sigmask is a symbol that glibc before 2.32 lacks.
 */
class BlockSignals {
 public:
  /** kAllSignals only for a moment: the whole process may be waiting for this thread. */
  explicit BlockSignals(uint64_t signals) {
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &signals, &saved_, sizeof signals);
  }
  ~BlockSignals() { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved_, nullptr, sizeof saved_); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  uint64_t saved_ = 0;
};

/** Calls again what a signal interrupted. */
template <typename Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

/** A system call's result in the form in which JavaScript gets it. */
template <typename T>
T or_errno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

}  // namespace dobby
