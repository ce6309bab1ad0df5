#include "exit_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "orphans.h"
#include "proc_stat.h"
#include "syscalls.h"

namespace dobby {
namespace {

constexpr size_t kEventsPerWait = 256;
/** Pidfds are kept above this, so that a child which shares our table need not copy them (see spawn.cc). */
constexpr int kLowestPidfd = 4096;

bool get_exit_info(int pidfd, int& status) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoExit;
  if (ioctl(pidfd, kPidfdGetInfo, &info) != 0 || !(info.mask & kPidfdInfoExit)) return false;
  status = info.exit_code;
  return true;
}

/** A zombie that is another's child: nobody has taken its status yet, and /proc shows it. */
bool get_zombie_status(int pidfd, pid_t pid, int& status) {
  ProcStat stat;
  if (!read_proc_stat(pid, stat) || stat.state != 'Z' || !may_see_exit_code(pid)) return false;
  // Reaped meanwhile, what was read may have been another process of the same number.
  if (pidfd_send_signal(pidfd, 0) != 0 && errno == ESRCH) return false;
  status = stat.exit_code;
  return true;
}

/** waitid(2) on a pidfd: 1 has exited, 0 not yet, -1 not ours. */
int wait_for_child(int pidfd, Exit& exit) {
  siginfo_t info = {};
  const auto id = static_cast<id_t>(pidfd);
  const int result = retry_interrupted(
      [&] { return waitid(static_cast<idtype_t>(kWaitPidfd), id, &info, WEXITED | WNOHANG); });
  if (result != 0) return -1;
  if (info.si_pid == 0) return 0;
  exit = {info.si_code, info.si_status, ExitSource::kWaitid};
  return 1;
}

/** False when there is nothing to report yet. */
bool observe(int pidfd, pid_t pid, uint32_t events, Exit& exit) {
  const int waited = wait_for_child(pidfd, exit);
  if (waited >= 0) return waited > 0;
  int status = 0;
  const bool is_zombie = (events & EPOLLHUP) == 0 && get_zombie_status(pidfd, pid, status);
  if (is_zombie || get_exit_info(pidfd, status)) exit = decode_wait_status(status, ExitSource::kPidfd);
  return true;
}

int exit_at_once(void*) { _exit(0); }

bool probe_exit_info() {
  // A child without an exit signal, so that nobody is told of it, and no wait(2) but ours sees it.
  alignas(64) char stack[16 * 1024];
  UniqueFd pidfd;
  int number = -1;
  pid_t pid;
  {
    // A handler must not run in the child, which is in our memory.
    const BlockSignals blocked(kAllSignals);
    pid = clone(exit_at_once, stack + sizeof stack, CLONE_VM | CLONE_VFORK | kClonePidfd, nullptr, &number);
  }
  if (pid < 0) return false;
  pidfd.reset(number);
  siginfo_t info;
  retry_interrupted([&] { return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | __WALL); });
  int status = 0;
  return get_exit_info(pidfd.get(), status);
}

}  // namespace

Exit decode_wait_status(int status, ExitSource source) {
  if (WIFEXITED(status)) return {CLD_EXITED, WEXITSTATUS(status), source};
  return {WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(status), source};
}

bool has_pidfd_exit_info() {
  static std::atomic<int> known{-1};
  if (known.load(std::memory_order_relaxed) < 0) known.store(probe_exit_info() ? 1 : 0, std::memory_order_relaxed);
  return known.load(std::memory_order_relaxed) == 1;
}

int pidfd_exited(int pidfd) {
  pollfd entry = {pidfd, POLLIN, 0};
  const int ready = retry_interrupted([&] { return poll(&entry, 1, 0); });
  if (ready < 0) return -errno;
  if (entry.revents & POLLNVAL) return -EBADF;
  return ready > 0 ? 1 : 0;
}

int ExitWatch::open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  return epoll_ ? 0 : -errno;
}

void ExitWatch::close() {
  while (!watches_.empty()) end(watches_.begin(), false);
  epoll_.reset();
}

int ExitWatch::add(int32_t token, int pidfd, pid_t pid) {
  if (watches_.count(token) != 0) return -EEXIST;
  // Claimed before anything can fail to be seen: from here on the orphan reaper leaves it alone.
  Orphans::of_process().claim(pid);
  const int high = fcntl(pidfd, F_DUPFD_CLOEXEC, kLowestPidfd);
  const int watched = high >= 0 ? high : pidfd;
  // Edge-triggered: what cannot be reported yet (a traced child is its tracer's first) must not keep the loop
  // busy, and the kernel wakes us again when that changes.
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = static_cast<uint32_t>(token);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watched, &event) != 0) {
    const int error = errno;
    if (high >= 0) ::close(high);
    Orphans::of_process().unclaim(pid);
    return -error;
  }
  if (high >= 0) ::close(pidfd);
  watches_.emplace(token, Watch{UniqueFd(watched), pid, true});
  ref_count_++;
  return 0;
}

void ExitWatch::end(Watches::iterator it, bool is_reaped) {
  Watch& watch = it->second;
  // Removed by hand: a copy of the descriptor in a child that has not exec'd yet would keep it in the set.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.pidfd.get(), nullptr);
  if (is_reaped) {
    Orphans::of_process().unclaim(watch.pid);
  } else {
    Orphans::of_process().abandon(watch.pid);
  }
  if (watch.is_ref) ref_count_--;
  watches_.erase(it);
}

int ExitWatch::remove(int32_t token) {
  const auto it = watches_.find(token);
  if (it == watches_.end()) return -ENOENT;
  end(it, false);
  return 0;
}

void ExitWatch::set_ref(int32_t token, bool on) {
  const auto it = watches_.find(token);
  if (it == watches_.end() || it->second.is_ref == on) return;
  it->second.is_ref = on;
  if (on) {
    ref_count_++;
  } else {
    ref_count_--;
  }
}

int ExitWatch::signal(int32_t token, int signal) const {
  const auto it = watches_.find(token);
  if (it == watches_.end()) return -ESRCH;
  const int pidfd = it->second.pidfd.get();
  // The kernel delivers signals to zombies too, and says success.
  if (pidfd_exited(pidfd) == 1) return -ESRCH;
  return or_errno(pidfd_send_signal(pidfd, signal));
}

size_t ExitWatch::drain(ExitRecord* out, size_t capacity, bool& more) {
  epoll_event events[kEventsPerWait];
  const size_t wanted = std::min(capacity, kEventsPerWait);
  const int ready =
      retry_interrupted([&] { return epoll_wait(epoll_.get(), events, static_cast<int>(wanted), 0); });
  more = ready == static_cast<int>(wanted);
  size_t count = 0;
  for (int i = 0; i < ready; i++) {
    const auto token = static_cast<int32_t>(static_cast<uint32_t>(events[i].data.u64));
    const auto it = watches_.find(token);
    if (it == watches_.end()) continue;
    Exit exit;
    if (!observe(it->second.pidfd.get(), it->second.pid, events[i].events, exit)) continue;
    out[count++] = {token, exit.code, exit.status, static_cast<int32_t>(exit.source)};
    end(it, exit.source == ExitSource::kWaitid);
  }
  return count;
}

}  // namespace dobby
