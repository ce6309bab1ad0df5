#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "unique_fd.h"

namespace dobby {

/** Where a spawn failed. The same numbers as SpawnStep in src/native.ts. */
enum class SpawnStep : int {
  kNone = 0,
  kDevNull = 1,
  kPipe = 2,
  kClone = 3,
  kUnshare = 4,
  kSession = 5,
  kChdir = 6,
  kDescriptors = 7,
  kCloseOnExec = 8,
  kExec = 9,
  kAttributes = 10,
};

/**
 * What the program is to have otherwise than its parent. Set by the child before exec(2), and so inherited by all that
 * the program forks.
 */
struct SpawnAttributes {
  static constexpr int kKeep = INT32_MIN;
  int oom_score_adj = kKeep;  // proc(5), -1000 to 1000
  int io_priority = kKeep;    // ioprio_set(2): class << 13 | data
  int open_files = kKeep;     // the soft limit, RLIMIT_NOFILE of setrlimit(2)
  int umask = kKeep;          // 022 where it is not given
};

/** What to start. Owns the descriptors it was given, and closes each once. */
class SpawnRequest {
 public:
  /**
   * Takes over the descriptors in fds (-1 is /dev/null; repeats are closed once) and image. One that is not
   * open now is never closed: by the time of the spawn the number may be somebody else's.
   */
  SpawnRequest(const std::string& strings, std::vector<int> fds, UniqueFd image);
  SpawnRequest(SpawnRequest&&) = default;
  SpawnRequest& operator=(SpawnRequest&&) = default;
  ~SpawnRequest() { close_descriptors(); }

  /** Splits path NUL cwd NUL argv... NUL environment...; with fewer parts than that it is refused with EINVAL. */
  void split(size_t argc);
  void set_attributes(const SpawnAttributes& attributes) { attributes_ = attributes; }
  /** Makes spawn() fail with this, so that a request that cannot be right fails where every other does. */
  void refuse(SpawnStep step, int error);

 private:
  friend struct SpawnResult spawn(SpawnRequest& request, class CloneStack& stack);
  friend struct SpawnRequestView;  // native/fuzz
  void close_descriptors();

  // Not a std::string: a short one lives inside its object, and the pointers below would not survive a move.
  std::vector<char> strings_;
  const char* path_ = nullptr;
  const char* cwd_ = nullptr;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<int> sources_;
  UniqueFd image_;
  SpawnAttributes attributes_;
  SpawnStep refused_step_ = SpawnStep::kNone;
  int refused_error_ = 0;
};

struct SpawnResult {
  pid_t pid = 0;
  UniqueFd pidfd;
  int error = 0;
  SpawnStep step = SpawnStep::kNone;
};

/** The stack of the child, which would ruin its parent's. Kept by the spawning thread, one child at a time. */
class CloneStack {
 public:
  CloneStack() = default;
  CloneStack(const CloneStack&) = delete;
  CloneStack& operator=(const CloneStack&) = delete;
  ~CloneStack();

  /** The address just above the stack; null (and errno) when there is no memory. Stacks grow down. */
  void* top();

 private:
  void* base_ = nullptr;
};

/**
 * Starts the program and closes the request's descriptors. Returns when the program runs, or has failed to: the
 * calling thread stands still until then, as long as a hanging file system makes chdir(2) and exec(2) take.
 * The caller must keep others from reaping the new pid as an orphan meanwhile (see orphans.h).
 */
SpawnResult spawn(SpawnRequest& request, CloneStack& stack);

}  // namespace dobby
