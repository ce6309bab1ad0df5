#include "fd_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

constexpr int kBacklog = 4;
/** The most descriptors the kernel puts into one message (SCM_MAX_FD), so that none is cut off. */
constexpr size_t kMostFds = 253;

}  // namespace

int listen_unix(const std::string& path) {
  sockaddr_un address = {};
  if (path.empty() || path.find('\0') != std::string::npos) return -EINVAL;
  if (path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());

  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return -errno;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -errno;
  if (listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    unlink(path.c_str());
    return -error;
  }
  return fd.release();
}

int accept_peer(int fd, Peer& peer) {
  UniqueFd connection(
      retry_interrupted([&] { return accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }));
  if (!connection) return -errno;
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
  peer = {credentials.pid, credentials.uid, credentials.gid};
  return connection.release();
}

// As CMSG_NXTHDR, which calls a function of glibc that musl lacks.
static cmsghdr* next_header(const msghdr& message, cmsghdr* header) {
  char* const next = reinterpret_cast<char*>(header) + CMSG_ALIGN(header->cmsg_len);
  const char* const end = static_cast<char*>(message.msg_control) + message.msg_controllen;
  return next + sizeof(cmsghdr) > end ? nullptr : reinterpret_cast<cmsghdr*>(next);
}

int receive_fd(int fd) {
  char payload[4096];
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
  iovec part = {payload, sizeof payload};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t length =
      retry_interrupted([&] { return recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  if (length < 0) return -errno;

  UniqueFd received;
  size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = next_header(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t numbers = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < numbers; i++) {
      int number;
      memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
      received.reset(number);  // closes the one before
      count++;
    }
  }
  if (count == 1 && (message.msg_flags & MSG_CTRUNC) == 0) return received.release();
  return length == 0 && count == 0 ? -ENODATA : -EBADMSG;
}

}  // namespace dobby
