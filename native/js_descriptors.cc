// Descriptors, sockets and terminals.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "blocking_copy.h"
#include "fd_socket.h"
#include "js_functions.h"
#include "memfd.h"
#include "syscalls.h"

namespace dobby {
namespace {

// --- descriptors

constexpr int kPipeBytes = 256 * 1024;

Napi::Value Pipe(const Info& info) {
  const Ints out = ints_of(info[0]);
  if (out.length < 2) return number(info, -EINVAL);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return number(info, -errno);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // Four times the default, so that reader and writer need not take turns; refused, it stays as it is.
  fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);
  OwnedFds& fds = environment_of(info).fds;
  out.data[0] = fds.add(ends[0]);
  out.data[1] = fds.add(ends[1]);
  return number(info, 0);
}

Napi::Value Memfd(const Info& info) {
  return number(info, environment_of(info).fds.add(open_memfd(string_at(info, 0).c_str(), long_at(info, 1))));
}

Napi::Value SealedImage(const Info& info) {
  return number(info, environment_of(info).fds.add(open_sealed_image(int_at(info, 0))));
}

Napi::Value Duplicate(const Info& info) {
  // Never below 3, whatever is closed there: numbers that mean standard streams to others.
  return number(info, environment_of(info).fds.add(or_errno(fcntl(int_at(info, 0), F_DUPFD_CLOEXEC, 3))));
}

Napi::Value BlockingCopy(const Info& info) {
  return number(info, environment_of(info).fds.add(blocking_copy(int_at(info, 0))));
}

Napi::Value Close(const Info& info) {
  const int fd = int_at(info, 0);
  // Only what is ours: a number closed twice may be somebody else's by then.
  if (!environment_of(info).fds.release(fd)) return number(info, -EBADF);
  return number(info, or_errno(close(fd)));
}

Napi::Value Read(const Info& info) {
  size_t length = 0;
  uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  return number(info, or_errno(retry_interrupted([&] { return read(fd, data, length); })));
}

Napi::Value Write(const Info& info) {
  size_t length = 0;
  const uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  return number(info, or_errno(retry_interrupted([&] { return write(fd, data, length); })));
}

Napi::Value ReadAt(const Info& info) {
  size_t length = 0;
  uint8_t* const data = bytes_at(info, 1, length);
  if (!data) return number(info, -EINVAL);
  const int fd = int_at(info, 0);
  const int64_t position = long_at(info, 4);
  return number(info, or_errno(retry_interrupted([&] { return pread(fd, data, length, position); })));
}

Napi::Value Position(const Info& info) {
  return number(info, static_cast<double>(or_errno(lseek(int_at(info, 0), 0, SEEK_CUR))));
}

Napi::Value Nonblocking(const Info& info) {
  const int fd = int_at(info, 0);
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return number(info, -errno);
  const int wanted = bool_at(info, 1) ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return number(info, or_errno(fcntl(fd, F_SETFL, wanted)));
}

// --- sockets and terminals

Napi::Value ListenUnix(const Info& info) {
  return number(info, environment_of(info).fds.add(listen_unix(string_at(info, 0))));
}

Napi::Value Accept(const Info& info) {
  const Ints out = ints_of(info[1]);
  if (out.length < 3) return number(info, -EINVAL);
  Peer peer;
  const int fd = environment_of(info).fds.add(accept_peer(int_at(info, 0), peer));
  if (fd >= 0) {
    out.data[0] = peer.pid;
    out.data[1] = static_cast<int32_t>(peer.uid);
    out.data[2] = static_cast<int32_t>(peer.gid);
  }
  return number(info, fd);
}

Napi::Value ReceiveFd(const Info& info) {
  return number(info, environment_of(info).fds.add(receive_fd(int_at(info, 0))));
}

Napi::Value WindowSize(const Info& info) {
  constexpr int kMost = 0xFFFF;
  const int columns = int_at(info, 1);
  const int rows = int_at(info, 2);
  if (columns < 0 || columns > kMost || rows < 0 || rows > kMost) return number(info, -EINVAL);
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  return number(info, or_errno(ioctl(int_at(info, 0), TIOCSWINSZ, &size)));
}

/** The master answers for the other side. */
Napi::Value EndOfFileCharacter(const Info& info) {
  termios settings;
  if (tcgetattr(int_at(info, 0), &settings) != 0) return number(info, -errno);
  return number(info, (settings.c_lflag & ICANON) != 0 ? settings.c_cc[VEOF] : 0);
}

Napi::Value IsPtyMaster(const Info& info) {
  unsigned pty_number = 0;
  if (ioctl(int_at(info, 0), TIOCGPTN, &pty_number) == 0) return number(info, 1);
  return number(info, errno == EBADF ? -EBADF : 0);
}

}  // namespace

FunctionTable descriptor_functions() {
  return {
      function<Pipe>("pipe"),
      function<Memfd>("memfd"),
      function<SealedImage>("sealedImage"),
      function<Duplicate>("duplicate"),
      function<BlockingCopy>("blockingCopy"),
      function<Close>("close"),
      function<Read>("read"),
      function<Write>("write"),
      function<ReadAt>("readAt"),
      function<Position>("position"),
      function<Nonblocking>("nonblocking"),
      function<ListenUnix>("listenUnix"),
      function<Accept>("accept"),
      function<ReceiveFd>("receiveFd"),
      function<WindowSize>("windowSize"),
      function<EndOfFileCharacter>("endOfFileCharacter"),
      function<IsPtyMaster>("isPtyMaster"),
  };
}

}  // namespace dobby
