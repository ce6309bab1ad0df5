#include "blocking_copy.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "check.h"
#include "unique_fd.h"

using namespace dobby;

namespace {

bool is_nonblocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

struct Ends {
  explicit Ends(int flags) {
    int ends[2];
    CHECK_EQUAL(pipe2(ends, O_CLOEXEC | flags), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

}  // namespace

TEST(a_pipe_is_opened_anew_at_both_ends) {
  Ends pipe(O_NONBLOCK);
  const UniqueFd reader(blocking_copy(pipe.read_end.get()));
  const UniqueFd writer(blocking_copy(pipe.write_end.get()));
  CHECK(reader.get() >= 3 && writer.get() >= 3);
  CHECK(!is_nonblocking(reader.get()) && !is_nonblocking(writer.get()));
  CHECK(is_nonblocking(pipe.read_end.get()) && is_nonblocking(pipe.write_end.get()));
  CHECK_EQUAL(fcntl(writer.get(), F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(write(writer.get(), "a", 1), 1);
  char byte = 0;
  CHECK_EQUAL(read(reader.get(), &byte, 1), 1);
  CHECK_EQUAL(byte, 'a');
  CHECK(write(reader.get(), "a", 1) < 0 && errno == EBADF);
  CHECK(read(writer.get(), &byte, 1) < 0 && errno == EBADF);
}

TEST(a_pipe_that_nobody_reads_is_copied) {
  Ends pipe(O_NONBLOCK);
  pipe.read_end.reset();
  CHECK(UniqueFd(blocking_copy(pipe.write_end.get())).get() >= 3);
}

TEST(what_blocks_is_copied) {
  Ends pipe(0);
  const UniqueFd writer(blocking_copy(pipe.write_end.get()));
  CHECK_EQUAL(fcntl(pipe.write_end.get(), F_SETFL, O_APPEND), 0);
  CHECK((fcntl(writer.get(), F_GETFL) & O_APPEND) != 0);  // the same description
}

TEST(a_terminal_is_opened_anew_and_its_master_is_not) {
  const UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  CHECK(grantpt(master.get()) == 0 && unlockpt(master.get()) == 0);
  const UniqueFd terminal(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  const UniqueFd reopened(blocking_copy(terminal.get()));
  CHECK(reopened.get() >= 3 && isatty(reopened.get()) == 1 && !is_nonblocking(reopened.get()));
  CHECK(is_nonblocking(terminal.get()));
  CHECK_EQUAL(blocking_copy(master.get()), -EOPNOTSUPP);
}

TEST(a_connected_stream_socket_cannot_be_opened_anew_and_others_are_copied) {
  int ends[2];
  CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]);
  const UniqueFd other(ends[1]);
  CHECK_EQUAL(blocking_copy(one.get()), -EOPNOTSUPP);
  const UniqueFd datagram(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  CHECK(UniqueFd(blocking_copy(datagram.get())).get() >= 3);
  const UniqueFd file(open("/dev/null", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  CHECK(UniqueFd(blocking_copy(file.get())).get() >= 3);
  CHECK_EQUAL(blocking_copy(9999), -EBADF);
}
