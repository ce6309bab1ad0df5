#include "fd_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "unique_fd.h"

using namespace dobby;

namespace {

struct Pair {
  Pair() {
    int ends[2];
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

void send_fds(int socket, size_t count, size_t messages = 1) {
  std::vector<int> fds(count, 0);
  std::vector<char> control(messages * CMSG_SPACE(count * sizeof(int)));
  char byte = 'x';
  iovec part = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    for (size_t i = 0; i < messages; i++) {
      auto* header = reinterpret_cast<cmsghdr*>(control.data() + i * CMSG_SPACE(count * sizeof(int)));
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(count * sizeof(int));
      memcpy(CMSG_DATA(header), fds.data(), count * sizeof(int));
    }
  }
  CHECK_EQUAL(sendmsg(socket, &message, 0), 1);
}

}  // namespace

TEST(receives_one_close_on_exec) {
  Pair pair;
  CHECK_EQUAL(receive_fd(pair.near.get()), -EAGAIN);
  send_fds(pair.far.get(), 1);
  const UniqueFd fd(receive_fd(pair.near.get()));
  CHECK(fd.get() >= 0);
  CHECK_EQUAL(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(refuses_none_and_many) {
  for (const size_t count : {0, 2, 3, 100, 253}) {
    Pair pair;
    send_fds(pair.far.get(), count);
    CHECK_EQUAL(receive_fd(pair.near.get()), -EBADMSG);
  }
  Pair pair;
  send_fds(pair.far.get(), 1, 2);
  CHECK_EQUAL(receive_fd(pair.near.get()), -EBADMSG);
}

TEST(keeps_none_when_there_is_no_number_left_for_all) {
  // The kernel cuts the list off then (MSG_CTRUNC), and gives what fitted.
  Pair pair;
  send_fds(pair.far.get(), 2);
  std::vector<UniqueFd> fill;
  for (;;) {
    UniqueFd fd(fcntl(0, F_DUPFD_CLOEXEC, 0));
    if (!fd) break;
    fill.push_back(std::move(fd));
  }
  CHECK_EQUAL(errno, EMFILE);
  fill.pop_back();
  CHECK_EQUAL(receive_fd(pair.near.get()), -EBADMSG);
  const UniqueFd again(fcntl(0, F_DUPFD_CLOEXEC, 0));
  CHECK(again.get() >= 0);
}

TEST(tells_of_the_end) {
  Pair pair;
  pair.far.reset();
  CHECK_EQUAL(receive_fd(pair.near.get()), -ENODATA);
  CHECK_EQUAL(receive_fd(0) < 0, true);
  CHECK_EQUAL(receive_fd(-1), -EBADF);
}

TEST(listens_and_says_who_connects) {
  char directory[] = "/tmp/fd-socket-test-XXXXXX";
  CHECK(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/s";
  {
    const UniqueFd listener(listen_unix(path));
    CHECK(listener.get() >= 0);
    CHECK_EQUAL(listen_unix(path), -EADDRINUSE);
    Peer peer;
    CHECK_EQUAL(accept_peer(listener.get(), peer), -EAGAIN);
    const UniqueFd client(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path.c_str());
    CHECK_EQUAL(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const UniqueFd connection(accept_peer(listener.get(), peer));
    CHECK(connection.get() >= 0);
    CHECK_EQUAL(peer.pid, getpid());
    CHECK_EQUAL(peer.uid, getuid());
    CHECK_EQUAL(peer.gid, getgid());
  }
  unlink(path.c_str());
  rmdir(directory);
  CHECK_EQUAL(listen_unix(std::string(108, 'x')), -ENAMETOOLONG);
  CHECK_EQUAL(listen_unix(std::string("a\0b", 3)), -EINVAL);
}
