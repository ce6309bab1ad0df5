#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "unique_fd.h"

namespace dobby {

/** How it is known how a process ended. The same numbers as ExitSource in src/native.ts. */
enum class ExitSource : int32_t { kWaitid = 0, kPidfd = 1, kUnobserved = 2 };

/** How a process ended; code is CLD_EXITED, CLD_KILLED or CLD_DUMPED, status an exit code or a signal. */
struct Exit {
  int32_t code = 0;
  int32_t status = 0;
  ExitSource source = ExitSource::kUnobserved;
};

/** Decodes a wait status, as waitpid(2), PIDFD_GET_INFO and /proc/<pid>/stat give it. */
Exit decode_wait_status(int status, ExitSource source);

/** One entry of a batch: ExitField in src/native.ts. */
struct ExitRecord {
  int32_t token;
  int32_t code;
  int32_t status;
  int32_t source;
};
static_assert(sizeof(ExitRecord) == 4 * sizeof(int32_t), "ExitField.Width");

/** Whether the kernel gives exit statuses of processes that are not our children (Linux 6.15). */
bool has_pidfd_exit_info();

/** Whether the process behind pidfd has exited: 1, 0 or -errno. */
int pidfd_exited(int pidfd);

/** Pidfds in an epoll set. A watched pid is claimed (see orphans.h) until its exit is reported or the watch ends. */
class ExitWatch {
 public:
  ExitWatch() = default;
  ExitWatch(const ExitWatch&) = delete;
  ExitWatch& operator=(const ExitWatch&) = delete;
  ~ExitWatch() { close(); }

  /** 0 or -errno. */
  int open();
  /** Ends every watch. */
  void close();
  int epoll_fd() const { return epoll_.get(); }

  /** Takes over pidfd when it succeeds; 0 or -errno. */
  int add(int32_t token, int pidfd, pid_t pid);
  int remove(int32_t token);
  void set_ref(int32_t token, bool on);
  int signal(int32_t token, int signal) const;

  size_t count() const { return watches_.size(); }
  size_t ref_count() const { return ref_count_; }

  /**
   * Writes the exits that there are, at most `capacity`, and ends their watches. `more` says whether there may
   * be others.
   */
  size_t drain(ExitRecord* out, size_t capacity, bool& more);

 private:
  struct Watch {
    UniqueFd pidfd;
    pid_t pid;
    bool is_ref;
  };
  using Watches = std::unordered_map<int32_t, Watch>;
  void end(Watches::iterator it, bool is_reaped);

  UniqueFd epoll_;
  Watches watches_;
  size_t ref_count_ = 0;
};

}  // namespace dobby
