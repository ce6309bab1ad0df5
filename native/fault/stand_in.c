// A runtime that misbehaves on purpose: the tests' stand-in for crun and runc.
//
// DOBBY_STAND_IN names a file of lines 'verb action action …' ('*' is every verb); what is asked of it with a verb
// that has no line goes to the real runtime, whose path is in DOBBY_REAL. The actions, done in order:
//   real            run the real runtime with the same arguments and descriptors; its status is ours at the end
//   mute            the same, but its terminal goes nowhere
//   exit:N kill:N   end like this, at once
//   hang            wait for ever; only SIGKILL ends it
//   wait:FILE       wait until there is such a file
//   stdout:HEX      print these bytes
//   stderr:N        print N bytes on standard error, and as many on the log
//   close           close standard input, output and error
//   pid:TEXT        write TEXT into the pid file
//   pid-bytes:N     a pid file of N bytes
//   orphan          leave a process that has a session of its own, ignores every signal it can, and sleeps
//   console:KIND    connect to the console socket and send: none, nothing (and stay), two, ten, file, stranger
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;
static int real_status;

static const char *option(const char *name) {
  for (char **at = arguments + 1; at[0] && at[1]; at++)
    if (strcmp(at[0], name) == 0) return at[1];
  return "";
}

/** The first word that is neither an option nor an option's value: all global options that take one are known. */
static const char *verb(void) {
  for (char **at = arguments + 1; *at; at++) {
    if (strcmp(*at, "--root") == 0 || strcmp(*at, "--log") == 0 || strcmp(*at, "--log-format") == 0 ||
        strcmp(*at, "--cgroup-manager") == 0) {
      if (at[1]) at++;
    } else if ((*at)[0] != '-' || strcmp(*at, "--version") == 0) {
      return *at;
    }
  }
  return "";
}

/** Runs the real runtime with a console socket of our own, on which nobody answers. */
static int run_real(void);

static int run_mute(void) {
  char **at = arguments;
  while (*at && strcmp(*at, "--console-socket") != 0) at++;
  if (!at[0] || !at[1]) return run_real();
  char *const wanted = at[1];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s.m", wanted);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) perror("mute");
  at[1] = address.sun_path;
  const int status = run_real();
  at[1] = wanted;
  close(fd);
  unlink(address.sun_path);
  return status;
}

static int run_real(void) {
  const pid_t child = fork();
  if (child == 0) {
    execv(getenv("DOBBY_REAL"), arguments);
    _exit(126);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void print(int fd, long long count) {
  static char block[65536];
  memset(block, 'x', sizeof block);
  for (size_t i = 79; i < sizeof block; i += 80) block[i] = '\n';
  while (count > 0) {
    const ssize_t written = write(fd, block, count < (long long)sizeof block ? (size_t)count : sizeof block);
    if (written <= 0) break;
    count -= written;
  }
}

static void print_hex(const char *hex) {
  for (; hex[0] && hex[1]; hex += 2) {
    const char pair[3] = {hex[0], hex[1], 0};
    const char byte = (char)strtol(pair, NULL, 16);
    if (write(1, &byte, 1) != 1) return;
  }
}

static void write_pid_file(const char *text, long long size) {
  const int fd = open(option("--pid-file"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0 || (size > 0 && ftruncate(fd, size) != 0)) perror("pid file");
  close(fd);
}

static void ignore_signals(void) {
  for (int number = 1; number < 32; number++) signal(number, SIG_IGN);
}

static void leave_orphan(void) {
  if (fork() != 0) return;
  setsid();
  ignore_signals();
  for (int fd = 0; fd < 64; fd++) close(fd);
  for (;;) pause();
}

static int connect_console(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, option("--console-socket"), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) perror("console socket");
  return fd;
}

static void send_descriptors(int to, const int *fds, int count) {
  union {
    char bytes[CMSG_SPACE(16 * sizeof(int))];
    struct cmsghdr align;
  } control = {{0}};
  char byte = ' ';
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }
  if (sendmsg(to, &message, MSG_NOSIGNAL) < 0) perror("sendmsg");
}

static int new_pty(void) {
  const int fd = posix_openpt(O_RDWR | O_NOCTTY);
  if (fd >= 0 && unlockpt(fd) != 0) perror("unlockpt");
  return fd;
}

static void send_console(const char *kind) {
  int fds[10];
  if (strcmp(kind, "stranger") == 0) {
    // Another user: in a child, so that the rest is done by us. The directory should not even let it in.
    const pid_t child = fork();
    if (child == 0) {
      if (setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
      fds[0] = new_pty();
      send_descriptors(connect_console(), fds, 1);
      _exit(0);
    }
    waitpid(child, NULL, 0);
    return;
  }
  const int socket_fd = connect_console();
  if (strcmp(kind, "none") == 0) {
    send_descriptors(socket_fd, fds, 0);
  } else if (strcmp(kind, "two") == 0) {
    fds[0] = new_pty();
    send_descriptors(socket_fd, fds, 1);
    fds[0] = new_pty();
    send_descriptors(connect_console(), fds, 1);
  } else if (strcmp(kind, "ten") == 0) {
    for (int i = 0; i < 10; i++) fds[i] = new_pty();
    send_descriptors(socket_fd, fds, 10);
  } else if (strcmp(kind, "file") == 0) {
    fds[0] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    send_descriptors(socket_fd, fds, 1);
  }
  // 'nothing': connected, and silent to the end.
}

static void act(char *action) {
  char *value = strchr(action, ':');
  if (value) *value++ = '\0';
  else value = action + strlen(action);
  if (strcmp(action, "real") == 0) real_status = run_real();
  else if (strcmp(action, "mute") == 0) real_status = run_mute();
  else if (strcmp(action, "exit") == 0) _exit(atoi(value));
  else if (strcmp(action, "kill") == 0) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    kill(getpid(), atoi(value));
  } else if (strcmp(action, "hang") == 0) {
    ignore_signals();
    for (;;) pause();
  } else if (strcmp(action, "wait") == 0) {
    while (access(value, F_OK) != 0) usleep(2000);
  } else if (strcmp(action, "stdout") == 0) print_hex(value);
  else if (strcmp(action, "stderr") == 0) {
    const int log = open(option("--log"), O_WRONLY | O_APPEND | O_CLOEXEC);
    print(2, atoll(value));
    print(log, atoll(value));
  } else if (strcmp(action, "close") == 0) {
    for (int fd = 0; fd < 3; fd++) close(fd);
  } else if (strcmp(action, "pid") == 0) write_pid_file(value, 0);
  else if (strcmp(action, "pid-bytes") == 0) write_pid_file("1", atoll(value));
  else if (strcmp(action, "orphan") == 0) leave_orphan();
  else if (strcmp(action, "console") == 0) send_console(value);
  else _exit(125);
}

int main(int argc, char **argv) {
  (void)argc;
  arguments = argv;
  static char script[65536];
  const char *file = getenv("DOBBY_STAND_IN");
  const int fd = open(file ? file : "", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, script, sizeof script - 1) < 0) script[0] = '\0';
    close(fd);
  }
  char *next_line = NULL;
  for (char *line = strtok_r(script, "\n", &next_line); line; line = strtok_r(NULL, "\n", &next_line)) {
    char *next_word = NULL;
    const char *wanted = strtok_r(line, " ", &next_word);
    if (!wanted || (strcmp(wanted, verb()) != 0 && strcmp(wanted, "*") != 0)) continue;
    for (char *word; (word = strtok_r(NULL, " ", &next_word));) act(word);
    return real_status;
  }
  execv(getenv("DOBBY_REAL"), argv);
  return 126;
}
