/*
 * dobby-keeper: the parent of one container process, for as long as that lives. See docs/decisions/keeper.md.
 *
 *   dobby-keeper RECORD PIDFILE HELD IMAGE OOM_SCORE_ADJ IO_PRIORITY PROGRAM ARGV0 [ARG...]
 *
 * Its descriptors are 0 to N without a gap: first those for PROGRAM, then those that are to be held (read ends of
 * pipes), then IMAGE. HELD has one character for each that is held, '1' for stdout and '2' for stderr; '-' is none.
 *
 * OOM_SCORE_ADJ (proc(5)) and IO_PRIORITY (ioprio_set(2)) are PROGRAM's and not the keeper's; '-' is as they are.
 *
 * Runs PROGRAM (from descriptor IMAGE, unless that is -1) and ends the way PROGRAM ended: a caller cannot tell it from
 * PROGRAM. Behind it stays a second process, a subreaper, which is by then the parent of the process that PROGRAM left
 * (its pid stands in PIDFILE). It waits for that process and appends how it ended to RECORD:
 *
 *   line 1, when it has been started: keeper pid, pid, start time (field 22 of /proc/pid/stat), number of the first
 *           descriptor that is held, HELD
 *   line 2, when it has ended: wait status, milliseconds since 1970
 *
 * The keeper ends when all that is left in the pipes has been read, or RECORD has been deleted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kUsage = 125, kCannotRun = 127, kFirstLookMs = 10, kLastLookMs = 200 };

struct Plan {
  const char *record;
  const char *pid_file;
  const char *held;
  int held_count;
  int first_held; /* descriptors first_held .. first_held + held_count - 1 */
  int image;
  const char *oom_score_adj;
  const char *io_priority;
  const char *program;
  char **argv;
};

static void close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return;
#endif
  for (int fd = first; fd < 4096; fd++) close(fd);
}

static void close_between(int first, int end) {
  for (int fd = first; fd < end; fd++) close(fd);
}

/* The first process: ends as the program did, so that its caller is told. */
static int follow(int status_fd) {
  int status = 0;
  ssize_t count;
  do count = read(status_fd, &status, sizeof status);
  while (count < 0 && errno == EINTR);
  if (count != (ssize_t)sizeof status) return kUsage;
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  const struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  return 128 + WTERMSIG(status);
}

/* 0 when it could be set, or was not to be. */
static int set_attributes(const struct Plan *plan) {
  if (strcmp(plan->oom_score_adj, "-") != 0) {
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, plan->oom_score_adj, strlen(plan->oom_score_adj)) < 0) return -1;
    close(fd);
  }
  const int who_process = 1;
  if (strcmp(plan->io_priority, "-") == 0) return 0;
  return (int)syscall(SYS_ioprio_set, who_process, 0, atoi(plan->io_priority));
}

/* The third process: becomes the program. */
static void run(const struct Plan *plan) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  if (set_attributes(plan) != 0) _exit(kCannotRun);
  if (plan->image >= 0) syscall(SYS_execveat, plan->image, "", plan->argv, environ, AT_EMPTY_PATH);
  /* Exec from a memfd may be forbidden here: by path, then. */
  execv(plan->program, plan->argv);
  _exit(kCannotRun);
}

static int read_file(const char *path, char *text, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  const ssize_t count = read(fd, text, size - 1);
  close(fd);
  text[count > 0 ? count : 0] = '\0';
  return count > 0 ? 0 : -1;
}

static pid_t read_pid(const char *path) {
  char text[32];
  if (read_file(path, text, sizeof text) != 0) return -1;
  return (pid_t)strtol(text, NULL, 10);
}

static unsigned long long start_time(pid_t pid) {
  char path[48];
  char text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_file(path, text, sizeof text) != 0) return 0;
  char *at = strrchr(text, ')'); /* the name before it may hold anything */
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

static void append(int fd, const char *text, int length) {
  while (write(fd, text, (size_t)length) < 0 && errno == EINTR) {
  }
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int is_drained(const struct Plan *plan) {
  for (int fd = plan->first_held; fd < plan->first_held + plan->held_count; fd++) {
    int bytes = 0;
    if (ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0) return 0;
  }
  return 1;
}

static int is_deleted(int record_fd) {
  struct stat stat;
  return fstat(record_fd, &stat) != 0 || stat.st_nlink == 0;
}

/* Waits until one child has ended and returns its wait status; the others are reaped on the way. */
static int wait_for(pid_t child) {
  int status = 0;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid == child) return status;
    if (pid < 0 && errno != EINTR) return -1;
  }
}

/* The second process: stays. */
static void keep(const struct Plan *plan, int status_fd, int record_fd) {
  char line[96];
  setsid();
  signal(SIGPIPE, SIG_IGN); /* the first process may be gone when it is told */
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t program = fork();
  if (program == 0) run(plan);
  /* Nothing of the container's stays open here: the end of its output has to be seen by its readers. */
  close_between(0, plan->first_held);
  if (plan->image >= 0) close(plan->image);
  if (program < 0) _exit(kUsage);

  /* A child may end, as a zombie, before the program: it is waited for by its number afterwards. */
  int status = 0;
  while (waitpid(program, &status, 0) < 0 && errno == EINTR) {
  }
  pid_t pid = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) pid = read_pid(plan->pid_file);
  if (pid > 0) {
    const unsigned long long start = start_time(pid);
    const int length = snprintf(line, sizeof line, "%d %d %llu %d %s\n", (int)getpid(), (int)pid, start, plan->first_held, plan->held);
    append(record_fd, line, length);
  }
  append(status_fd, (const char *)&status, (int)sizeof status);
  close(status_fd);
  if (pid <= 0) _exit(0);

  status = wait_for(pid);
  if (status >= 0) append(record_fd, line, snprintf(line, sizeof line, "%d %lld\n", status, now_ms()));
  for (int ms = kFirstLookMs; !is_drained(plan) && !is_deleted(record_fd); ms = ms * 2 < kLastLookMs ? ms * 2 : kLastLookMs) {
    poll(NULL, 0, ms);
  }
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc < 9) return kUsage;
  struct Plan plan = {argv[1], argv[2], argv[3], 0, 0, atoi(argv[4]), argv[5], argv[6], argv[7], argv + 8};
  plan.held_count = strcmp(plan.held, "-") == 0 ? 0 : (int)strlen(plan.held);
  if (plan.held_count > 2) return kUsage;
  int pipe_fds[2];
  const int record_fd = open(plan.record, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (record_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) != 0) return kUsage;
  /* Ours are the highest numbers; before them the image; before that those that are held. */
  int lowest = record_fd < pipe_fds[0] ? record_fd : pipe_fds[0];
  plan.first_held = (plan.image >= 0 ? plan.image : lowest) - plan.held_count;
  for (int fd = plan.first_held; fd < lowest; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);

  const pid_t keeper = fork();
  if (keeper == 0) {
    close(pipe_fds[0]);
    keep(&plan, pipe_fds[1], record_fd);
  }
  close_between(0, pipe_fds[0]);
  close_from(pipe_fds[0] + 1);
  return keeper < 0 ? kUsage : follow(pipe_fds[0]);
}
