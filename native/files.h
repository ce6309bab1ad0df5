#pragma once

// A container's state directory, in few system calls: a runtime's answers are worked out from these.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace dobby {

/** Which content a file has: a file that is replaced by rename, or written to, has another stamp. */
struct FileStamp {
  uint64_t device;
  uint64_t inode;
  uint64_t size;
  double modified_ms;
  double changed_ms;
};

/** statx(2), Linux 4.11. 0 or -errno. */
int stamp_file(const char* path, FileStamp& stamp);

/** Of the file system that an open file is on; 0 when it cannot be told. */
uint64_t device_of(int fd);

/**
 * Opens a file, reads it from its start to its end or until the buffer is full, and closes it: what procfs, cgroupfs
 * and state directories have is small. `flags` go to open(2) beside O_RDONLY, O_NONBLOCK (a fifo must not make us
 * wait) and O_CLOEXEC. The number of bytes, or -errno; EISDIR, or EINVAL for what else is no regular file.
 */
ssize_t read_file(const char* path, int flags, void* buffer, size_t length);

/**
 * Lets go a process that waits for a byte from a fifo: opens the fifo for writing, removes its name and writes the
 * byte. -errno when it could not be opened (ENXIO: nobody waits; ENOENT: done before) or its directory is not to be
 * written; nothing has been changed then. Once it is open the byte is written whatever else fails: a reader that
 * sees an end of file without one may wait in a loop for ever.
 */
int release_fifo(const char* path);

}  // namespace dobby
