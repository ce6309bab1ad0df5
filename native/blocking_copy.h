#pragma once

namespace dobby {

/**
 * A copy of a descriptor for a program that expects its standard streams to block (nearly all do: they take EAGAIN for a
 * failure). Whether a descriptor blocks is a property of the open file description, which a plain copy shares with the
 * caller: a pipe or terminal that is non-blocking is opened anew, by /proc, and the caller's stays as it is.
 * -errno; EOPNOTSUPP for what cannot be opened anew (a connected stream socket, a pty master, another user's pipe).
 * What blocks already, and what a program cannot mind (files, devices, listening sockets), is copied.
 */
int blocking_copy(int fd);

}  // namespace dobby
