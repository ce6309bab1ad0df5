/* spawn: how long the caller stands still for one spawn, and how long until it is told of the exit. With
 * --heap-mb, what a large heap adds; and afterwards the tax: writing once to every page of it. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"

static void spawn_once(const struct program *program, char **argv, int epoll_fd, bool warm) {
  const int fds[3] = {-1, -1, -1};
  uint64_t start = now_ns();
  pid_t pid = launch(program, argv, fds);
  uint64_t launched = now_ns();
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) fail_errno("pidfd_open");
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pidfd, &event)) fail_errno("epoll_ctl");
  if (epoll_wait(epoll_fd, &event, 1, -1) != 1) fail_errno("epoll_wait");
  int status = wait_for(pid);
  uint64_t seen = now_ns();
  close(pidfd);
  if (status != 0) fail("%s ended with wait status %#x", argv[0], (unsigned)status);
  if (warm) return;
  figure("blocked", (double)(launched - start));
  figure("exit", (double)(seen - start));
}

int command_spawn(const struct options *options) {
  long count = option_number(options, "count", 1);
  long warm = option_number(options, "warm", 0);
  long idle_ms = option_number(options, "idle-ms", 0);
  long heap_mb = option_number(options, "heap-mb", 0);
  char **argv = option_rest(options);
  const struct program program = open_program(argv[0], option(options, "image", "path"));
  const struct timespec idle = {idle_ms / 1000, idle_ms % 1000 * 1000000};
  char *heap = fill_heap(heap_mb);
  int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) fail_errno("epoll_create1");
  for (long i = -warm; i < count; i++) {
    if (idle_ms > 0) nanosleep(&idle, NULL);
    spawn_once(&program, argv, epoll_fd, i < 0);
  }
  if (heap) {
    long faults = minor_faults();
    uint64_t start = now_ns();
    touch_heap(heap, heap_mb);
    figure("tax", (double)(now_ns() - start));
    figure("faults", (double)(minor_faults() - faults));
    free(heap);
  }
  return 0;
}
