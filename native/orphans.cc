#include "orphans.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>

#include "proc_stat.h"
#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

/** Adds the numbers in /proc/self/task/<main thread>/children; false when the kernel has no such file. */
bool list_main_thread_children(std::vector<pid_t>& pids) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  char buffer[4096];
  pid_t pid = 0;
  for (;;) {
    const ssize_t n = retry_interrupted([&] { return read(fd.get(), buffer, sizeof buffer); });
    if (n < 0) return false;
    if (n == 0) break;
    for (ssize_t i = 0; i < n; i++) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        pid = pid * 10 + (buffer[i] - '0');
      } else if (pid > 0) {
        pids.push_back(pid);
        pid = 0;
      }
    }
  }
  if (pid > 0) pids.push_back(pid);
  return true;
}

/** The same from all of /proc. It cannot tell the main thread's children from those of the others. */
void list_children_by_parent(std::vector<pid_t>& pids) {
  DIR* const directory = opendir("/proc");
  if (!directory) return;
  while (const dirent* entry = readdir(directory)) {
    char* end = nullptr;
    const long pid = strtol(entry->d_name, &end, 10);
    if (pid <= 0 || *end != '\0') continue;
    ProcStat stat;
    if (read_proc_stat(static_cast<pid_t>(pid), stat) && stat.parent == getpid()) {
      pids.push_back(static_cast<pid_t>(pid));
    }
  }
  closedir(directory);
}

bool somebody_handles_sigchld() {
  struct sigaction action = {};
  return sigaction(SIGCHLD, nullptr, &action) != 0 || action.sa_handler != SIG_DFL;
}

// Made when the addon is loaded, and never destroyed: threads of other environments may still be running when
// the process exits.
Orphans* const process_orphans = new Orphans;

}  // namespace

int64_t monotonic_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

Orphans& Orphans::of_process() { return *process_orphans; }

void Orphans::claim(pid_t pid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  claims_[pid]++;
}

void Orphans::unclaim(pid_t pid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = claims_.find(pid);
  if (it != claims_.end() && --it->second == 0) claims_.erase(it);
}

void Orphans::abandon(pid_t pid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = claims_.find(pid);
  if (it == claims_.end() || --it->second != 0) return;
  claims_.erase(it);
  ProcStat stat;
  if (read_proc_stat(pid, stat)) abandoned_[pid] = stat.start_time;
}

int Orphans::hold() {
  const std::lock_guard<std::mutex> lock(mutex_);
  held_.insert(next_ticket_);
  return next_ticket_++;
}

void Orphans::release(int ticket) {
  const std::lock_guard<std::mutex> lock(mutex_);
  held_.erase(ticket);
}

bool Orphans::any_zombie() {
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

bool Orphans::may_reap(pid_t pid, const Seen& seen, const ProcStat& stat, const Pass& pass, bool may_guess) const {
  if (is_held_back(seen)) return false;
  const auto known = abandoned_.find(pid);
  if (known != abandoned_.end() && known->second == seen.start_time) return true;
  if (stat.session != pid && stat.session != getsid(0)) return true;
  if (!may_guess) return false;
  const int64_t age_ms = pass.now_ms - seen.first_ms;
  if (age_ms >= pass.grace_ms) return true;
  return age_ms >= kWeakGraceMs && (in_nested_pid_namespace(pid) || in_other_cgroup(pid));
}

void Orphans::forget_gone() {
  for (auto it = abandoned_.begin(); it != abandoned_.end();) {
    ProcStat stat;
    const bool is_there = read_proc_stat(it->first, stat) && stat.start_time == it->second;
    it = is_there ? std::next(it) : abandoned_.erase(it);
  }
}

int Orphans::reap(const Pass& pass) {
  // Held to the end: a pid must not become claimed between the look at it and the wait for it.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!any_zombie()) {
    seen_.clear();
    return 0;
  }

  std::vector<pid_t> children;
  const bool only_main_thread = list_main_thread_children(children);
  if (!only_main_thread) list_children_by_parent(children);
  const bool may_guess = (pass.knows_libuv && only_main_thread) || !somebody_handles_sigchld();

  int reaped = 0;
  std::map<pid_t, Seen> still_seen;
  for (const pid_t pid : children) {
    if (is_claimed(pid)) continue;
    if (std::find(pass.spared.begin(), pass.spared.end(), pid) != pass.spared.end()) continue;
    siginfo_t info = {};
    const auto id = static_cast<id_t>(pid);
    if (waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) continue;
    ProcStat stat;
    if (!read_proc_stat(pid, stat) || stat.state != 'Z') continue;

    const auto before = seen_.find(pid);
    if (before == seen_.end() || before->second.start_time != stat.start_time) {
      still_seen[pid] = {stat.start_time, pass.now_ms, next_ticket_};
      continue;
    }
    if (may_reap(pid, before->second, stat, pass, may_guess) &&
        waitid(P_PID, id, &info, WEXITED | WNOHANG) == 0) {
      reaped++;
      abandoned_.erase(pid);
      continue;
    }
    still_seen[pid] = before->second;
  }
  seen_.swap(still_seen);
  forget_gone();
  return reaped;
}

}  // namespace dobby
