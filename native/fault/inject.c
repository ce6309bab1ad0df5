// Makes system calls fail: loaded into a Node process with LD_PRELOAD by test/faults/injected.test.ts.
//
// The test and this library share a file of ten 32-bit numbers (DOBBY_INJECT names it, see Control): 'let SKIP calls
// of group GROUP pass, then fail TIMES of them with ERROR'. By raising SKIP one by one, a test has an operation fail
// at each of the calls it makes. Only calls by this process count: what it starts is not preloaded.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum Group { kNone, kDescriptor, kClone, kExec, kDisk, kEpoll, kGroups };

struct Control {
  int32_t group;
  int32_t skip;
  int32_t times;
  int32_t error;
  int32_t seen;  // calls of the group since it was set
  int32_t hits;  // how many of them failed
  int32_t clock_offset_s;
};

static struct Control *control;

__attribute__((constructor)) static void open_control(void) {
  const char *path = getenv("DOBBY_INJECT");
  if (!path) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

/** Whether this call has to fail; errno is set. Also called between vfork and exec: atomics only. */
static int fails(enum Group group) {
  if (!control || __atomic_load_n(&control->group, __ATOMIC_SEQ_CST) != (int32_t)group) return 0;
  const int32_t number = __atomic_fetch_add(&control->seen, 1, __ATOMIC_SEQ_CST);
  if (number < control->skip || number >= control->skip + control->times) return 0;
  __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
  errno = control->error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_disk(const char *path, int flags) {
  return strncmp(path, "/dev/", 5) != 0 && (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0;
}

#define OPEN(name, ...)                                            \
  mode_t mode = 0;                                                 \
  if (flags & (O_CREAT | O_TMPFILE)) {                             \
    va_list list;                                                  \
    va_start(list, flags);                                         \
    mode = va_arg(list, mode_t);                                   \
    va_end(list);                                                  \
  }                                                                \
  if (fails(kDescriptor) || (is_disk(path, flags) && fails(kDisk))) return -1; \
  return REAL(name)(__VA_ARGS__, flags, mode)

int open(const char *path, int flags, ...) { OPEN(open, path); }
int open64(const char *path, int flags, ...) { OPEN(open64, path); }
int openat(int at, const char *path, int flags, ...) { OPEN(openat, at, path); }
int openat64(int at, const char *path, int flags, ...) { OPEN(openat64, at, path); }

int pipe2(int fds[2], int flags) { return fails(kDescriptor) ? -1 : REAL(pipe2)(fds, flags); }
int dup(int fd) { return fails(kDescriptor) ? -1 : REAL(dup)(fd); }
int socket(int domain, int type, int protocol) {
  return fails(kDescriptor) ? -1 : REAL(socket)(domain, type, protocol);
}
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return fails(kDescriptor) ? -1 : REAL(accept4)(fd, address, length, flags);
}
int epoll_create1(int flags) { return fails(kDescriptor) ? -1 : REAL(epoll_create1)(flags); }
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  // Edge-triggered is this package's own; libuv ends the process when it can't watch something.
  const int is_ours = operation == EPOLL_CTL_ADD && (event->events & EPOLLET) != 0;
  return is_ours && fails(kEpoll) ? -1 : REAL(epoll_ctl)(epoll, operation, fd, event);
}

#define FCNTL(name)                                                                            \
  va_list list;                                                                                \
  va_start(list, command);                                                                     \
  void *argument = va_arg(list, void *);                                                       \
  va_end(list);                                                                                \
  if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails(kDescriptor)) return -1;     \
  return REAL(name)(fd, command, argument)

int fcntl(int fd, int command, ...) { FCNTL(fcntl); }
int fcntl64(int fd, int command, ...) { FCNTL(fcntl64); }

int mkdir(const char *path, mode_t mode) { return fails(kDisk) ? -1 : REAL(mkdir)(path, mode); }
char *mkdtemp(char *path) { return fails(kDisk) ? NULL : REAL(mkdtemp)(path); }
int symlink(const char *target, const char *path) { return fails(kDisk) ? -1 : REAL(symlink)(target, path); }
int bind(int fd, const struct sockaddr *address, socklen_t length) {
  return address->sa_family == AF_UNIX && fails(kDisk) ? -1 : REAL(bind)(fd, address, length);
}

// clone(2) runs its function on another stack: the real one is jumped to, never called through a frame of ours.
int clone(int (*run)(void *), void *stack, int flags, void *argument, ...) {
  void *extra[3];
  va_list list;
  va_start(list, argument);
  for (int i = 0; i < 3; i++) extra[i] = va_arg(list, void *);
  va_end(list);
  if (fails(kClone) || fails(kDescriptor)) return -1;
  return REAL(clone)(run, stack, flags, argument, extra[0], extra[1], extra[2]);
}

int execve(const char *path, char *const argv[], char *const envp[]) {
  if (fails(kExec)) return -1;
  return (int)syscall(SYS_execve, path, argv, envp);
}

/** The addon's way to calls that libc may not know. */
long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))real("syscall");
  if (number == SYS_memfd_create && fails(kDescriptor)) return -1;
  if (number == SYS_pidfd_open && fails(kDescriptor)) return -1;
  if (number == SYS_execveat && fails(kExec)) return -1;
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/** The wall clock jumps by clock_offset_s; no other clock does. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*next)(clockid_t, struct timespec *);
  if (!next) next = (int (*)(clockid_t, struct timespec *))real("clock_gettime");
  const int result = next(clock, time);
  if (result == 0 && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += control->clock_offset_s;
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  const int result = REAL(gettimeofday)(time, zone);
  if (result == 0 && control) time->tv_sec += control->clock_offset_s;
  return result;
}
