#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

namespace dobby {

/**
 * The orphan reaper. A subreaper inherits every descendant whose parent has died, and must reap those that
 * nobody asked for. It must never reap a child that somebody in this process waits for: another part of the
 * addon, libuv (child_process), or another addon. Nothing in the kernel tells the two apart, hence these rules.
 *
 * A zombie is looked at only if it is listed as a child of the main thread (that is where orphans go; a child
 * forked by another thread is listed there), and is not
 *   - claimed: watched by an exit watch, or started here and not watched yet;
 *   - spared: a child that libuv's loop of the calling thread has a live handle for.
 * It is reaped only if no ticket is held that was taken before it was first seen (a runtime call that is under
 * way can have made it, and will claim it when it has read the pid), and
 *   - known: it was claimed once and has been abandoned (a worker that ended). Reaped when seen for the second time;
 *   - strong evidence: its session is neither ours nor its own. A child of ours is in our session until it calls
 *     setsid(), which makes its own. Reaped when seen for the second time;
 *   - weak evidence: it is in a nested pid namespace or another cgroup (v2). Somebody can have moved his own
 *     child there. Reaped when seen for the second time, kWeakGraceMs after the first;
 *   - none: reaped when it has been a zombie for graceMs, and seen twice. libuv reaps at once, and another
 *     addon has that long.
 * Without strong evidence it is left alone unless `knows_libuv` (the caller could list the libuv children of the
 * main thread) or nobody handles SIGCHLD, which libuv does while it has a child: the main thread's loop may be
 * standing still for longer than any grace.
 *
 * The state belongs to the process as the children do, so it is shared by all its environments, under a lock.
 */
class Orphans {
 public:
  static Orphans& of_process();

  /** Claims may nest. Claiming a pid that is no child of ours is right too: it can become one. */
  void claim(pid_t pid);
  void unclaim(pid_t pid);
  /** Gives a claim up for good: nobody will ask how this process ended. */
  void abandon(pid_t pid);

  int hold();
  void release(int ticket);

  struct Pass {
    int grace_ms = 0;
    int64_t now_ms = 0;
    bool knows_libuv = false;
    std::vector<pid_t> spared;
  };

  /** Whether any child is a zombie at all: one system call. */
  static bool any_zombie();
  /** Returns how many were reaped. */
  int reap(const Pass& pass);

 private:
  struct Seen {
    uint64_t start_time;  // a pid can be used again between two passes
    int64_t first_ms;
    int next_ticket;
  };

  bool is_claimed(pid_t pid) const { return claims_.count(pid) != 0; }
  bool is_held_back(const Seen& seen) const { return !held_.empty() && *held_.begin() < seen.next_ticket; }
  void forget_gone();
  bool may_reap(pid_t pid, const Seen& seen, const struct ProcStat& stat, const Pass& pass, bool may_guess) const;

  std::mutex mutex_;
  std::unordered_map<pid_t, int> claims_;
  std::set<int> held_;
  int next_ticket_ = 1;
  std::map<pid_t, Seen> seen_;
  std::map<pid_t, uint64_t> abandoned_;  // with their start times
};

/** The tickets of one environment, which may end before it has released them. */
class OrphanTickets {
 public:
  OrphanTickets() = default;
  OrphanTickets(const OrphanTickets&) = delete;
  OrphanTickets& operator=(const OrphanTickets&) = delete;
  ~OrphanTickets() {
    while (!tickets_.empty()) release(*tickets_.begin());
  }

  int hold() { return *tickets_.insert(Orphans::of_process().hold()).first; }
  void release(int ticket) {
    if (tickets_.erase(ticket) != 0) Orphans::of_process().release(ticket);
  }

 private:
  std::set<int> tickets_;
};

constexpr int kWeakGraceMs = 50;

/** CLOCK_MONOTONIC. */
int64_t monotonic_ms();

}  // namespace dobby
