#include "orphans.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "check.h"

using namespace dobby;

namespace {

constexpr int kGraceMs = 1000;

void wait_zombie(pid_t pid) {
  siginfo_t info;
  CHECK_EQUAL(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
}

/** A zombie of this process, forked by it. */
pid_t child_zombie(bool own_session) {
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    if (own_session) setsid();
    _exit(1);
  }
  wait_zombie(pid);
  return pid;
}

/** A zombie that came here because its parent, which led a session, died. */
pid_t orphan_zombie() {
  int ends[2];
  CHECK_EQUAL(pipe(ends), 0);
  fflush(stdout);
  const pid_t parent = fork();
  if (parent == 0) {
    setsid();
    const pid_t pid = fork();
    if (pid == 0) _exit(2);
    if (write(ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    _exit(0);
  }
  pid_t pid = 0;
  CHECK_EQUAL(read(ends[0], &pid, sizeof pid), sizeof pid);
  close(ends[0]);
  close(ends[1]);
  CHECK_EQUAL(waitpid(parent, nullptr, 0), parent);
  wait_zombie(pid);
  return pid;
}

Orphans::Pass pass_at(int64_t now_ms) {
  Orphans::Pass pass;
  pass.grace_ms = kGraceMs;
  pass.now_ms = now_ms;
  pass.knows_libuv = true;
  return pass;
}

int reap_at(Orphans& orphans, int64_t now_ms) { return orphans.reap(pass_at(now_ms)); }

void expect_reaped(pid_t pid) {
  CHECK_EQUAL(waitpid(pid, nullptr, WNOHANG), -1);
  CHECK_EQUAL(errno, ECHILD);
}

const bool is_subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;

}  // namespace

TEST(waits_for_the_grace_when_it_can_be_somebodys_child) {
  for (const bool own_session : {false, true}) {
    Orphans orphans;
    const pid_t pid = child_zombie(own_session);
    CHECK_EQUAL(reap_at(orphans, 5000), 0);
    CHECK_EQUAL(reap_at(orphans, 5000 + kGraceMs - 1), 0);
    CHECK_EQUAL(reap_at(orphans, 5000 + kGraceMs), 1);
    expect_reaped(pid);
  }
}

TEST(waits_for_a_second_look_when_it_cannot) {
  SKIP_UNLESS(is_subreaper);
  Orphans orphans;
  const pid_t pid = orphan_zombie();
  CHECK_EQUAL(reap_at(orphans, 5000), 0);
  CHECK_EQUAL(reap_at(orphans, 5000), 1);
  expect_reaped(pid);
}

TEST(spares_what_libuv_has) {
  Orphans orphans;
  const pid_t pid = child_zombie(true);
  for (int i = 0; i < 5; i++) {
    Orphans::Pass pass = pass_at(i * 10 * kGraceMs);
    pass.spared = {1, pid};
    CHECK_EQUAL(orphans.reap(pass), 0);
  }
  CHECK_EQUAL(waitpid(pid, nullptr, 0), pid);
}

TEST(does_not_guess_when_libuv_may_have_it) {
  SKIP_UNLESS(is_subreaper);
  signal(SIGCHLD, [](int) {});
  Orphans orphans;
  const pid_t pid = child_zombie(true);
  const pid_t foreign = orphan_zombie();
  for (int i = 0; i < 3; i++) {
    Orphans::Pass pass = pass_at(i * 10 * kGraceMs);
    pass.knows_libuv = false;
    CHECK_EQUAL(orphans.reap(pass), i == 1 ? 1 : 0);  // the one that proves what it is
  }
  expect_reaped(foreign);
  signal(SIGCHLD, SIG_DFL);
  Orphans::Pass pass = pass_at(100 * kGraceMs);
  pass.knows_libuv = false;
  CHECK_EQUAL(orphans.reap(pass), 1);  // nobody handles SIGCHLD now
  expect_reaped(pid);
}

TEST(leaves_what_is_claimed_as_often_as_it_was_claimed) {
  SKIP_UNLESS(is_subreaper);
  Orphans orphans;
  const pid_t pid = orphan_zombie();
  orphans.claim(pid);
  orphans.claim(pid);
  orphans.unclaim(pid);
  for (int i = 0; i < 3; i++) CHECK_EQUAL(reap_at(orphans, i * 10 * kGraceMs), 0);
  orphans.unclaim(pid);
  orphans.unclaim(pid);
  CHECK_EQUAL(reap_at(orphans, 50 * kGraceMs), 0);
  CHECK_EQUAL(reap_at(orphans, 50 * kGraceMs), 1);
  expect_reaped(pid);
}

TEST(leaves_what_was_born_while_a_ticket_is_held) {
  SKIP_UNLESS(is_subreaper);
  Orphans orphans;
  const pid_t before = orphan_zombie();
  CHECK_EQUAL(reap_at(orphans, 0), 0);
  const int ticket = orphans.hold();
  const pid_t during = orphan_zombie();
  CHECK_EQUAL(reap_at(orphans, 0), 1);
  expect_reaped(before);
  for (int i = 1; i < 4; i++) CHECK_EQUAL(reap_at(orphans, i * 10 * kGraceMs), 0);
  const int second = orphans.hold();
  orphans.release(ticket);
  CHECK_EQUAL(reap_at(orphans, 50 * kGraceMs), 1);
  expect_reaped(during);
  orphans.release(second);
}

TEST(forgets_what_others_reaped) {
  SKIP_UNLESS(is_subreaper);
  Orphans orphans;
  const pid_t pid = orphan_zombie();
  CHECK_EQUAL(reap_at(orphans, 0), 0);
  CHECK_EQUAL(waitpid(pid, nullptr, 0), pid);
  const pid_t next = orphan_zombie();
  CHECK_EQUAL(reap_at(orphans, 1), 0);
  CHECK_EQUAL(reap_at(orphans, 2), 1);
  expect_reaped(next);
}

TEST(looks_only_at_the_main_threads_children) {
  Orphans orphans;
  std::thread([&] {
    const pid_t pid = child_zombie(true);
    for (int i = 0; i < 3; i++) CHECK_EQUAL(reap_at(orphans, i * 10 * kGraceMs), 0);
    CHECK_EQUAL(waitpid(pid, nullptr, 0), pid);
  }).join();
}

TEST(never_takes_a_child_that_a_thread_waits_for) {
  // Another addon: a thread blocked in waitpid(2) on its own child, while passes run without a pause.
  Orphans orphans;
  for (int round = 0; round < 50; round++) {
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
      setsid();
      usleep(1000);
      _exit(5);
    }
    int status = 0;
    std::thread waiter([&] { CHECK_EQUAL(waitpid(pid, &status, 0), pid); });
    for (int i = 0; i < 200; i++) {
      reap_at(orphans, monotonic_ms());
      usleep(20);
    }
    waiter.join();
    CHECK_EQUAL(WEXITSTATUS(status), 5);
  }
}
