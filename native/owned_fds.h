#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <unordered_map>

#include "orphans.h"

namespace dobby {

/**
 * The descriptors an environment owns: what it closes when it ends. A pidfd that spawn returned holds a claim on
 * its pid too, so that nobody reaps the child before it is watched.
 */
class OwnedFds {
 public:
  OwnedFds() = default;
  OwnedFds(const OwnedFds&) = delete;
  OwnedFds& operator=(const OwnedFds&) = delete;
  ~OwnedFds() { close_all(); }

  /** Passes -errno through. */
  int add(int fd) {
    if (fd >= 0) fds_[fd] = 0;
    return fd;
  }
  /** With the claim on pid that the caller holds. */
  void add_claimed(int pidfd, pid_t pid) { fds_[pidfd] = pid; }

  /** Forgets a descriptor: the caller owns it now. False when it was not ours. */
  bool release(int fd) {
    const auto it = fds_.find(fd);
    if (it == fds_.end()) return false;
    if (it->second != 0) Orphans::of_process().abandon(it->second);
    fds_.erase(it);
    return true;
  }

  void close_all() {
    while (!fds_.empty()) {
      const int fd = fds_.begin()->first;
      release(fd);
      ::close(fd);
    }
  }

 private:
  std::unordered_map<int, pid_t> fds_;
};

}  // namespace dobby
