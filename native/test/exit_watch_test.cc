#include "exit_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <vector>

#include "check.h"
#include "orphans.h"
#include "syscalls.h"

using namespace dobby;

namespace {

pid_t fork_child(void (*run)()) {
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    run();
    _exit(0);
  }
  return pid;
}

bool wait_readable(int fd, int timeout_ms = 3000) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

ExitRecord only_exit(ExitWatch& watch) {
  CHECK(wait_readable(watch.epoll_fd()));
  ExitRecord records[4];
  bool more = true;
  CHECK_EQUAL(watch.drain(records, 4, more), 1);
  CHECK(!more);
  return records[0];
}

}  // namespace

TEST(decodes_wait_statuses) {
  const Exit exited = decode_wait_status(7 << 8, ExitSource::kPidfd);
  CHECK(exited.code == CLD_EXITED && exited.status == 7 && exited.source == ExitSource::kPidfd);
  const Exit killed = decode_wait_status(SIGKILL, ExitSource::kPidfd);
  CHECK(killed.code == CLD_KILLED && killed.status == SIGKILL);
  const Exit dumped = decode_wait_status(SIGSEGV | 0x80, ExitSource::kPidfd);
  CHECK(dumped.code == CLD_DUMPED && dumped.status == SIGSEGV);
}

TEST(reports_exits_in_batches_and_each_once) {
  constexpr int kCount = 30;
  ExitWatch watch;
  CHECK_EQUAL(watch.open(), 0);
  for (int i = 0; i < kCount; i++) {
    const pid_t pid = fork_child([] { _exit(9); });
    CHECK_EQUAL(watch.add(i, pidfd_open(pid), pid), 0);
  }
  CHECK_EQUAL(watch.ref_count(), kCount);
  std::set<int> tokens;
  while (tokens.size() < kCount) {
    CHECK(wait_readable(watch.epoll_fd()));
    ExitRecord records[7];
    bool more = true;
    while (more) {
      const size_t count = watch.drain(records, 7, more);
      CHECK(count <= 7);
      for (size_t i = 0; i < count; i++) {
        CHECK(tokens.insert(records[i].token).second);
        CHECK(records[i].code == CLD_EXITED && records[i].status == 9);
      }
    }
  }
  CHECK_EQUAL(watch.ref_count(), 0);
  CHECK(!wait_readable(watch.epoll_fd(), 20));
}

TEST(keeps_tokens_with_every_bit) {
  ExitWatch watch;
  CHECK_EQUAL(watch.open(), 0);
  for (const int token : {-1, 1 << 30, 0}) {
    const pid_t pid = fork_child([] {});
    CHECK_EQUAL(watch.add(token, pidfd_open(pid), pid), 0);
    CHECK_EQUAL(only_exit(watch).token, token);
  }
}

TEST(ends_watches_by_remove_and_close) {
  ExitWatch watch;
  CHECK_EQUAL(watch.open(), 0);
  const pid_t first = fork_child([] { pause(); });
  const pid_t second = fork_child([] { pause(); });
  CHECK_EQUAL(watch.add(1, pidfd_open(first), first), 0);
  CHECK_EQUAL(watch.add(2, pidfd_open(second), second), 0);
  CHECK_EQUAL(watch.remove(1), 0);
  CHECK_EQUAL(watch.remove(1), -ENOENT);
  CHECK_EQUAL(watch.signal(1, 0), -ESRCH);
  watch.set_ref(2, false);
  watch.set_ref(2, false);
  CHECK_EQUAL(watch.ref_count(), 0);
  watch.close();
  for (const pid_t pid : {first, second}) {
    CHECK_EQUAL(kill(pid, SIGKILL), 0);
    CHECK_EQUAL(waitpid(pid, nullptr, 0), pid);
  }
}

TEST(does_not_spin_while_a_tracer_keeps_a_dead_child_to_itself) {
  // The tracer is told of the death, and does not reap at once; the parent cannot reap until it has.
  int go[2];
  int attached[2];
  CHECK_EQUAL(pipe2(go, O_CLOEXEC), 0);
  CHECK_EQUAL(pipe2(attached, O_CLOEXEC), 0);
  const pid_t traced = fork_child([] { pause(); });
  const pid_t tracer = fork();
  if (tracer == 0) {
    char byte;
    close(go[1]);
    const bool is_attached = ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) == 0;
    if (write(attached[1], is_attached ? "y" : "n", 1) != 1 || read(go[0], &byte, 1) < 0) _exit(78);
    waitpid(traced, nullptr, __WALL);
    _exit(0);
  }
  close(go[0]);
  close(attached[1]);
  char is_attached = 'n';
  CHECK_EQUAL(read(attached[0], &is_attached, 1), 1);
  close(attached[0]);
  if (is_attached == 'n') {
    close(go[1]);
    kill(traced, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }
  SKIP_UNLESS(is_attached == 'y');

  ExitWatch watch;
  CHECK_EQUAL(watch.open(), 0);
  CHECK_EQUAL(watch.add(1, pidfd_open(traced), traced), 0);
  CHECK_EQUAL(kill(traced, SIGKILL), 0);
  int wake_ups = 0;
  bool more = false;
  ExitRecord record;
  size_t count = 0;
  while (wait_readable(watch.epoll_fd(), 100)) {
    wake_ups++;
    count += watch.drain(&record, 1, more);
    CHECK(wake_ups < 10);
  }
  CHECK_EQUAL(count, 0);
  close(go[1]);  // the tracer reaps now
  while (count == 0) {
    CHECK(wait_readable(watch.epoll_fd()));
    count += watch.drain(&record, 1, more);
  }
  CHECK(record.code == CLD_KILLED && record.status == SIGKILL);
  CHECK_EQUAL(record.source, static_cast<int>(ExitSource::kWaitid));
  int status = 0;
  CHECK_EQUAL(waitpid(tracer, &status, 0), tracer);
  CHECK_EQUAL(status, 0);
}

TEST(claims_what_it_watches) {
  ExitWatch watch;
  CHECK_EQUAL(watch.open(), 0);
  const pid_t pid = fork_child([] { _exit(4); });
  CHECK_EQUAL(watch.add(1, pidfd_open(pid), pid), 0);
  CHECK(wait_readable(watch.epoll_fd()));
  Orphans::Pass pass;
  pass.knows_libuv = true;
  for (pass.now_ms = 1; pass.now_ms < 1'000'000; pass.now_ms *= 10) CHECK_EQUAL(Orphans::of_process().reap(pass), 0);
  CHECK_EQUAL(only_exit(watch).status, 4);
}
