#include "files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/stat.h>
#include <string>

#include "syscalls.h"
#include "unique_fd.h"

namespace dobby {
namespace {

double milliseconds(const struct statx_timestamp& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

uint64_t device_number(const struct statx& status) {
  return (static_cast<uint64_t>(status.stx_dev_major) << 32) | status.stx_dev_minor;
}

// By number: musl has the function only since 1.2.4.
int statx_of(int fd, const char* path, int flags, unsigned mask, struct statx& status) {
  return or_errno(static_cast<int>(syscall(SYS_statx, fd, path, flags, mask, &status)));
}

/** 0 for a regular file, which those of procfs and cgroupfs are as well. */
int check_regular(int fd) {
  struct statx status = {};
  const int result = statx_of(fd, "", AT_EMPTY_PATH, STATX_TYPE, status);
  const int type = status.stx_mode & S_IFMT;
  if (result != 0 || type == S_IFREG) return result;
  return type == S_IFDIR ? -EISDIR : -EINVAL;
}

}  // namespace

uint64_t device_of(int fd) {
  struct statx status = {};
  if (statx_of(fd, "", AT_EMPTY_PATH, STATX_TYPE, status) != 0) return 0;
  return device_number(status);
}

int stamp_file(const char* path, FileStamp& stamp) {
  struct statx status = {};
  const int result = statx_of(AT_FDCWD, path, 0, STATX_BASIC_STATS, status);
  if (result != 0) return result;
  stamp.device = device_number(status);
  stamp.inode = status.stx_ino;
  stamp.size = status.stx_size;
  stamp.modified_ms = milliseconds(status.stx_mtime);
  stamp.changed_ms = milliseconds(status.stx_ctime);
  return 0;
}

ssize_t read_file(const char* path, int flags, void* buffer, size_t length) {
  const UniqueFd fd(retry_interrupted([&] { return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags); }));
  if (!fd) return -errno;
  const int refused = check_regular(fd.get());
  if (refused != 0) return refused;
  size_t total = 0;
  while (total < length) {
    const ssize_t count =
        retry_interrupted([&] { return read(fd.get(), static_cast<char*>(buffer) + total, length - total); });
    if (count < 0) return -errno;
    if (count == 0) break;
    total += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(total);
}

int release_fifo(const char* path) {
  const char* const slash = strrchr(path, '/');
  const std::string directory(path, slash ? static_cast<size_t>(slash - path) : 0);
  if (access(directory.empty() ? "." : directory.c_str(), W_OK) != 0) return -errno;
  const int fd = retry_interrupted([&] { return open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC); });
  if (fd < 0) return -errno;
  const int removed = unlink(path) == 0 ? 0 : -errno;
  const char byte = 0;
  const int written = retry_interrupted([&] { return write(fd, &byte, 1); }) == 1 ? 0 : -errno;
  close(fd);
  return removed != 0 ? removed : written;
}

}  // namespace dobby
