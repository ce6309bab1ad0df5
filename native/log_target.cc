#include "log_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "syscalls.h"

namespace dobby {

LogTarget::LogTarget(UniqueFd fd, uint64_t max_bytes, std::string rotate_path, int keep)
    : fd_(std::move(fd)), max_bytes_(max_bytes), rotate_path_(std::move(rotate_path)), keep_(keep) {
  const int flags = fcntl(fd_.get(), F_GETFL);
  is_nonblocking_ = flags >= 0 && (flags & O_NONBLOCK) != 0;
  if (rotate_path_.empty()) return;
  // By number: fstat(2) as a function is a symbol of glibc 2.33.
  struct statx info = {};
  if (syscall(SYS_statx, fd_.get(), "", kEmptyPath, STATX_MODE | STATX_SIZE, &info) == 0) {
    mode_ = info.stx_mode & 07777;
    size_ = info.stx_size;
  }
}

size_t LogTarget::write(const char* data, size_t length) {
  if (max_bytes_ == 0 || is_nonblocking_) return write_all(data, length);
  if (rotate_path_.empty()) {
    const auto room = static_cast<size_t>(std::min<uint64_t>(length, max_bytes_ - std::min(max_bytes_, written_)));
    if (room > 0) write_all(data, room);
    dropped_ += length - room;
    return 0;
  }
  while (length > 0) {
    const auto part = static_cast<size_t>(std::min<uint64_t>(length, max_bytes_));
    if (size_ > 0 && size_ + part > max_bytes_) rotate();
    write_all(data, part);
    data += part;
    length -= part;
  }
  return 0;
}

size_t LogTarget::write_all(const char* data, size_t length) {
  while (length > 0) {
    const ssize_t n = retry_interrupted([&] { return ::write(fd_.get(), data, length); });
    if (n < 0 && errno == EAGAIN) return length;
    if (n <= 0) {
      note_error(n < 0 ? errno : EIO);
      dropped_ += length;
      return 0;
    }
    written_ += static_cast<uint64_t>(n);
    size_ += static_cast<uint64_t>(n);
    data += n;
    length -= static_cast<size_t>(n);
  }
  return 0;
}

void LogTarget::rotate() {
  // Counted from here whether it works or not: a directory that cannot be written to is tried again only after
  // another max_bytes, and the present file grows.
  size_ = 0;
  if (keep_ <= 0) {
    if (retry_interrupted([&] { return ftruncate(fd_.get(), 0); }) != 0) note_error(errno);
    return;
  }
  const auto numbered = [&](int number) { return rotate_path_ + '.' + std::to_string(number); };
  for (int number = keep_ - 1; number >= 0; number--) {
    const std::string from = number == 0 ? rotate_path_ : numbered(number);
    // rename(2) replaces the oldest.
    if (rename(from.c_str(), numbered(number + 1).c_str()) != 0 && errno != ENOENT) {
      note_error(errno);
      return;
    }
  }
  if (!reopen()) note_error(errno);
}

bool LogTarget::reopen() {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  const auto open_again = [&](int flags) {
    return retry_interrupted([&] { return open(rotate_path_.c_str(), flags, mode_); });
  };
  UniqueFd fresh(open_again(kFlags | O_EXCL));
  const bool is_ours = static_cast<bool>(fresh);
  if (!fresh && errno == EEXIST) fresh.reset(open_again(kFlags | O_NONBLOCK));
  if (!fresh) return false;
  if (is_ours) fchmod(fresh.get(), mode_);  // what the umask took away
  fd_ = std::move(fresh);
  return true;
}

}  // namespace dobby
