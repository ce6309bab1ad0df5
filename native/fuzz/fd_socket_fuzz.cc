// receive_fd with any peer: messages of any length with any control data that the kernel lets through, on sockets
// with any options, with and without numbers left for what arrives. It must give one open, close-on-exec descriptor
// that was sent alone, or an error, and keep nothing else.

#include "fd_socket.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "check_macros.h"
#include "input.h"
#include "unique_fd.h"

using dobby::UniqueFd;

namespace {

constexpr int kMostMessages = 8;
constexpr size_t kMostFds = 253;  // SCM_MAX_FD
constexpr size_t kMostControl = 4096;

void append_header(std::string& control, int level, int type, size_t claimed_length, const std::string& data) {
  std::string block(CMSG_SPACE(data.size()), '\0');
  cmsghdr header = {};
  header.cmsg_level = level;
  header.cmsg_type = type;
  header.cmsg_len = claimed_length;
  memcpy(block.data(), &header, sizeof header);
  memcpy(block.data() + CMSG_LEN(0), data.data(), data.size());
  control += block;
}

std::string rights(Input& input, size_t count, int file) {
  std::vector<int> fds(count, file);
  // Now and then one that is not open, or the socket's own standard descriptors.
  if (count > 0 && input.byte() > 250) fds[input.byte() % count] = input.byte();
  return std::string(reinterpret_cast<const char*>(fds.data()), count * sizeof(int));
}

/** One control message of the fuzzer's choice. */
void append_control(Input& input, std::string& control, int file) {
  switch (input.byte() % 6) {
    case 0:
    case 1: {
      const std::string data = rights(input, 1, file);
      append_header(control, SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(data.size()), data);
      break;
    }
    case 2: {
      const std::string data = rights(input, input.byte() % (kMostFds + 2), file);
      append_header(control, SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(data.size()), data);
      break;
    }
    case 3: {
      const ucred credentials = {getpid(), getuid(), getgid()};
      const std::string data(reinterpret_cast<const char*>(&credentials), sizeof credentials);
      append_header(control, SOL_SOCKET, SCM_CREDENTIALS, CMSG_LEN(data.size()), data);
      break;
    }
    case 4: {
      const std::string data = input.bytes(input.byte());
      append_header(control, SOL_SOCKET, input.byte() % 8, CMSG_LEN(data.size()) + input.byte() % 3, data);
      break;
    }
    default:
      control += input.bytes(input.byte());
  }
}

/** How many descriptors the control data holds, counted as the kernel does. */
size_t count_rights(msghdr& message) {
  size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    if (header->cmsg_len >= CMSG_LEN(0)) count += (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  }
  return count;
}

/** True when a message with one descriptor has been sent. */
bool send_message(Input& input, int socket, int file) {
  std::string payload(input.byte() % 2 ? input.byte() : input.byte() * 37, 'x');
  std::string control;
  for (int count = input.byte() % 4; count > 0 && control.size() < kMostControl; count--) {
    append_control(input, control, file);
  }
  iovec part = {payload.data(), payload.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!control.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  // What the kernel refuses is not sent.
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 && count_rights(message) == 1;
}

/** Leaves `left` numbers for new descriptors. */
class FewNumbers {
 public:
  explicit FewNumbers(rlim_t left) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next.get()) + left;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FewNumbers() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewNumbers(const FewNumbers&) = delete;
  FewNumbers& operator=(const FewNumbers&) = delete;

 private:
  rlimit before_ = {};
};

int receive(Input& input, int socket) {
  const int mode = input.byte();
  if (mode < 200) return dobby::receive_fd(socket);
  const FewNumbers few(static_cast<rlim_t>(mode - 200) % 4);
  return dobby::receive_fd(socket);
}

/** Receives until there is nothing left (a message takes a few reads, of 4 KiB each). Returns how many came. */
int drain(Input& input, int socket) {
  constexpr int kEnough = 100;
  int received = 0;
  for (int i = 0; i < kEnough; i++) {
    const UniqueFd fd(receive(input, socket));
    if (!fd) {
      if (fd.get() == -EAGAIN || fd.get() == -ENODATA) break;
      continue;
    }
    CHECK_EQUAL(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    received++;
  }
  return received;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const int before = count_descriptors();
  {
    const int kinds[] = {SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    int ends[2];
    CHECK_EQUAL(socketpair(AF_UNIX, kinds[input.byte() % 4] | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd near(ends[0]);
    UniqueFd far(ends[1]);
    const UniqueFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
    const int options = input.byte();
    constexpr int kOn = 1;
    if (options & 1) setsockopt(near.get(), SOL_SOCKET, SO_PASSCRED, &kOn, sizeof kOn);
    if (options & 2) setsockopt(near.get(), SOL_SOCKET, SO_TIMESTAMP, &kOn, sizeof kOn);
    int lone = 0;
    int received = 0;
    for (int i = 0; i < kMostMessages && !input.empty(); i++) {
      if (send_message(input, far.get(), file.get())) lone++;
      if (input.byte() % 2) received += drain(input, near.get());
    }
    if (options & 4) far.reset();
    received += drain(input, near.get());
    CHECK(received <= lone);
  }
  CHECK_EQUAL(count_descriptors(), before);
  return 0;
}
