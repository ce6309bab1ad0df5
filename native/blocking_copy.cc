#include "blocking_copy.h"

#include <cstdio>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

/** Never below 3, whatever is closed there: numbers that mean standard streams to others. */
int copy(int fd) { return or_errno(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

int reopen(int fd, int flags) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const int kept = flags & (O_ACCMODE | O_APPEND | O_DIRECT);
  // Non-blocking at first: the opening of a pipe without another end would wait for one.
  UniqueFd opened(retry_interrupted([&] { return open(path, kept | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
  // Nobody reads the pipe any more: a program that writes to it is told so by any descriptor.
  if (!opened && errno == ENXIO) return copy(fd);
  if (!opened) return -EOPNOTSUPP;
  if (fcntl(opened.get(), F_SETFL, kept) != 0) return -errno;
  return copy(opened.get());
}

bool is_connected_stream(int fd) {
  int type = 0;
  int listens = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
         getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(length = sizeof listens)) == 0 && listens == 0;
}

bool is_terminal(int fd) {
  termios settings;
  return tcgetattr(fd, &settings) == 0;
}

bool is_pty_master(int fd) {
  unsigned number = 0;
  return ioctl(fd, TIOCGPTN, &number) == 0;
}

}  // namespace

int blocking_copy(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  struct statx status = {};
  // By number: fstat(2) as a function is a symbol of glibc 2.33.
  if ((flags & O_NONBLOCK) == 0 || syscall(SYS_statx, fd, "", kEmptyPath, STATX_TYPE, &status) != 0) return copy(fd);
  const int type = status.stx_mode & S_IFMT;
  if (type == S_IFIFO) return reopen(fd, flags);
  if (type == S_IFSOCK) return is_connected_stream(fd) ? -EOPNOTSUPP : copy(fd);
  if (type != S_IFCHR || !is_terminal(fd)) return copy(fd);
  return is_pty_master(fd) ? -EOPNOTSUPP : reopen(fd, flags);
}

}  // namespace dobby
