#pragma once

#include <sys/types.h>

#include <string>

namespace dobby {

/** A listening stream socket at path, non-blocking and close-on-exec. fd or -errno. */
int listen_unix(const std::string& path);

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/** accept4(2), non-blocking and close-on-exec, and who connected. fd or -errno. */
int accept_peer(int fd, Peer& peer);

/**
 * Receives the one descriptor of a message. fd, or -errno: -EAGAIN nothing yet, -ENODATA end of file without
 * one, -EBADMSG a message without exactly one (all that came are closed).
 */
int receive_fd(int fd);

}  // namespace dobby
