#include "spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "fd_plan.h"
#include "spawn_child.h"
#include "syscalls.h"

namespace dobby {
namespace {

constexpr size_t kStackSize = 64 * 1024;
constexpr size_t kGuardSize = 64 * 1024;  // the largest page size there is (arm64)

/**
 * Ways to clone, best first. CLONE_FILES saves copying the table of descriptors (with thousands of pidfds open
 * that takes milliseconds): the child unshares only the few it needs. An emulator (qemu-user) knows neither
 * that nor CLONE_PIDFD, and makes a fork of the rest, which works as well.
 */
constexpr unsigned kCloneFlags[] = {
    CLONE_VM | CLONE_VFORK | kClonePidfd | CLONE_FILES,
    CLONE_VM | CLONE_VFORK | kClonePidfd,
    CLONE_VM | CLONE_VFORK,
};
constexpr int kLastWay = 2;

/** What this kernel was found to be able to do. Known per process, and never wrong once it is known. */
std::atomic<int> clone_way{0};

pid_t clone_child(ChildPlan& plan, void* stack_top, int way, UniqueFd& pidfd) {
  int pidfd_number = -1;
  plan.shares_table = (kCloneFlags[way] & CLONE_FILES) != 0;
  pid_t pid;
  {
    // A handler must not run in the child, which is in our memory.
    const BlockSignals blocked(kAllSignals);
    pid = clone(run_child, stack_top, kCloneFlags[way] | SIGCHLD, &plan, &pidfd_number);
  }
  if (pid > 0 && (kCloneFlags[way] & kClonePidfd)) pidfd.reset(pidfd_number);
  return pid;
}

void reap(pid_t pid) {
  siginfo_t info;
  retry_interrupted([&] { return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED); });
}

/** Moves a descriptor to a number the program's own descriptors will not need. */
bool lift(UniqueFd& fd, int lowest) {
  if (fd.get() < 0 || fd.get() >= lowest) return true;
  const int lifted = fcntl(fd.get(), F_DUPFD_CLOEXEC, lowest);
  if (lifted < 0) return false;
  fd.reset(lifted);
  return true;
}

}  // namespace

SpawnRequest::SpawnRequest(const std::string& strings, std::vector<int> fds, UniqueFd image)
    : strings_(strings.begin(), strings.end()), sources_(std::move(fds)), image_(std::move(image)) {
  strings_.push_back('\0');
  for (int& fd : sources_) {
    if (fd < 0 || fcntl(fd, F_GETFD) >= 0) continue;
    refuse(SpawnStep::kDescriptors, EBADF);
    fd = -1;
  }
}

void SpawnRequest::refuse(SpawnStep step, int error) {
  refused_step_ = step;
  refused_error_ = error;
}

void SpawnRequest::split(size_t argc) {
  std::vector<char*> parts;
  char* at = strings_.data();
  char* const end = at + strings_.size() - 1;
  for (;;) {
    parts.push_back(at);
    at = std::find(at, end, '\0');
    if (at == end) break;
    at++;
  }
  if (parts.size() < 2 || argc > parts.size() - 2) return refuse(SpawnStep::kNone, EINVAL);
  path_ = parts[0];
  cwd_ = parts[1];
  argv_.assign(parts.begin() + 2, parts.begin() + 2 + argc);
  argv_.push_back(nullptr);
  envp_.assign(parts.begin() + 2 + argc, parts.end());
  envp_.push_back(nullptr);
}

void SpawnRequest::close_descriptors() {
  std::sort(sources_.begin(), sources_.end());
  sources_.erase(std::unique(sources_.begin(), sources_.end()), sources_.end());
  for (const int fd : sources_) {
    if (fd >= 0) close(fd);
  }
  sources_.clear();
  image_.reset();
}

CloneStack::~CloneStack() {
  if (base_) munmap(base_, kGuardSize + kStackSize);
}

void* CloneStack::top() {
  if (!base_) {
    void* base = mmap(nullptr, kGuardSize + kStackSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) return nullptr;
    if (mprotect(static_cast<char*>(base) + kGuardSize, kStackSize, PROT_READ | PROT_WRITE) != 0) {
      munmap(base, kGuardSize + kStackSize);
      return nullptr;
    }
    base_ = base;
  }
  return static_cast<char*>(base_) + kGuardSize + kStackSize;
}

SpawnResult spawn(SpawnRequest& request, CloneStack& stack) {
  SpawnResult result;
  const auto failed = [&](SpawnStep step, int error) {
    result.step = step;
    result.error = error;
    result.pid = 0;
    result.pidfd.reset();
    request.close_descriptors();
    return std::move(result);
  };
  if (request.refused_error_ != 0) return failed(request.refused_step_, request.refused_error_);
  const int count = static_cast<int>(request.sources_.size());

  std::vector<int> sources = request.sources_;
  UniqueFd dev_null;
  for (int& source : sources) {
    if (source >= 0) continue;
    if (!dev_null) dev_null.reset(retry_interrupted([] { return open("/dev/null", O_RDWR | O_CLOEXEC); }));
    if (!dev_null) return failed(SpawnStep::kDevNull, errno);
    source = dev_null.get();
  }

  void* const stack_top = stack.top();
  if (!stack_top) return failed(SpawnStep::kClone, errno);

  for (;;) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return failed(SpawnStep::kPipe, errno);
    UniqueFd failure_read(pipe_fds[0]);
    UniqueFd failure_write(pipe_fds[1]);
    if (!lift(failure_write, count) || !lift(request.image_, count)) return failed(SpawnStep::kPipe, errno);

    const int image_fd = request.image_.get();
    char image_path[32];
    snprintf(image_path, sizeof image_path, "/proc/self/fd/%d", image_fd);
    const auto moves = plan_descriptors(sources, {failure_write.get(), image_fd});
    int highest_fd = std::max({failure_write.get(), image_fd, count - 1});
    for (const int source : sources) highest_fd = std::max(highest_fd, source);

    ChildPlan plan = {};
    plan.path = request.path_;
    plan.cwd = request.cwd_;
    plan.argv = request.argv_.data();
    plan.envp = request.envp_.data();
    plan.moves = moves.data();
    plan.move_count = moves.size();
    plan.target_count = count;
    plan.image_fd = image_fd;
    plan.image_path = image_path;
    plan.failure_fd = failure_write.get();
    plan.highest_fd = highest_fd;
    plan.attributes = request.attributes_;

    const int way = clone_way.load(std::memory_order_relaxed);
    const pid_t pid = clone_child(plan, stack_top, way, result.pidfd);
    if (pid < 0) {
      if ((errno == EINVAL || errno == ENOSYS) && way < kLastWay) {
        clone_way.store(way + 1, std::memory_order_relaxed);
        continue;
      }
      return failed(SpawnStep::kClone, errno);
    }

    failure_write.reset();
    Failure failure = {};
    const ssize_t length =
        retry_interrupted([&] { return read(failure_read.get(), &failure, sizeof failure); });
    if (length == static_cast<ssize_t>(sizeof failure)) {
      reap(pid);
      if (failure.step == static_cast<int>(SpawnStep::kUnshare) && is_unknown_call(failure.error)) {
        clone_way.store(way + 1, std::memory_order_relaxed);
        result.pidfd.reset();
        continue;
      }
      return failed(static_cast<SpawnStep>(failure.step), failure.error);
    }

    if (!result.pidfd) {
      result.pidfd.reset(pidfd_open(pid));
      if (!result.pidfd) {
        // It runs, but nobody could watch it: it must not be left behind.
        const int error = errno;
        kill(pid, SIGKILL);
        reap(pid);
        return failed(SpawnStep::kClone, error);
      }
    }
    result.pid = pid;
    request.close_descriptors();
    return result;
  }
}

}  // namespace dobby
