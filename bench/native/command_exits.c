/* exits: N live processes, each watched by a pidfd in one epoll set. Kills one at a time and times the way to
 * its exit event, with the CPU time that took; with --burst 1, all of them at once. */
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"

struct child {
  pid_t pid;
  int pidfd;
};

static struct child *children;
static int epoll_fd;

static void start_child(const struct program *program, char **argv, long index) {
  const int fds[3] = {-1, -1, -1};
  struct child *child = &children[index];
  child->pid = launch(program, argv, fds);
  child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
  if (child->pidfd < 0) fail_errno("pidfd_open");
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)index};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, child->pidfd, &event)) fail_errno("epoll_ctl");
}

static void kill_child(long index) {
  if (syscall(SYS_pidfd_send_signal, children[index].pidfd, SIGKILL, NULL, 0)) fail_errno("pidfd_send_signal");
}

/* Handles what epoll has; the number of exits. */
static int take_exits(void) {
  struct epoll_event events[256];
  int ready = epoll_wait(epoll_fd, events, 256, -1);
  if (ready < 0) fail_errno("epoll_wait");
  for (int i = 0; i < ready; i++) {
    struct child *child = &children[events[i].data.u64];
    siginfo_t info;
    if (waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED)) fail_errno("waitid");
    if (info.si_status != SIGKILL) fail("a child ended by itself with %d", info.si_status);
    close(child->pidfd);
  }
  return ready;
}

int command_exits(const struct options *options) {
  long live = option_number(options, "live", 10);
  long count = option_number(options, "count", 10);
  char **argv = option_rest(options);
  const struct program program = open_program(argv[0], "path");
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) fail_errno("epoll_create1");
  children = calloc((size_t)live, sizeof *children);
  if (!children) fail("no memory");
  for (long i = 0; i < live; i++) start_child(&program, argv, i);
  usleep(200000);

  for (long i = 0; i < count; i++) {
    /* Spread over the set: 7919 is prime, so every process gets its turn. */
    long victim = i * 7919 % live;
    uint64_t cpu = cpu_ns(), start = now_ns();
    kill_child(victim);
    if (take_exits() != 1) fail("more than one child ended");
    figure("exit", (double)(now_ns() - start));
    figure("cpu", (double)(cpu_ns() - cpu));
    start_child(&program, argv, victim);
    usleep(2000);
  }

  uint64_t cpu = cpu_ns(), start = now_ns();
  for (long i = 0; i < live; i++) kill_child(i);
  for (long seen = 0; seen < live;) seen += take_exits();
  figure("burst", (double)(now_ns() - start));
  figure("burstCpu", (double)(cpu_ns() - cpu) / (double)live);
  return 0;
}
