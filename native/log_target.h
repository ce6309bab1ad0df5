#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "unique_fd.h"

namespace dobby {

/**
 * Where output goes: a file or a memfd, bounded or not. Past its bound it drops and counts, or, with a path,
 * rotates: path.1 is the newest of `keep` old files (with keep 0 the file is emptied instead).
 * Writing never fails for the caller, whose source must be drained whatever happens to the target: what could
 * not be written is counted as dropped, and the first error is kept. Files and memfds block; what is non-blocking when it
 * is given (a socket, a pipe) takes what it can.
 */
class LogTarget {
 public:
  LogTarget(UniqueFd fd, uint64_t max_bytes, std::string rotate_path, int keep);

  /** How many bytes at the end of data could not be taken now: none, unless the target is non-blocking. */
  size_t write(const char* data, size_t length);
  /** Counts what will not be written. */
  void drop(uint64_t length) { dropped_ += length; }

  /** Only part of a chunk may be taken. What goes through it is neither bounded nor rotated. */
  bool is_nonblocking() const { return is_nonblocking_; }
  int fd() const { return fd_.get(); }

  uint64_t written() const { return written_; }
  uint64_t dropped() const { return dropped_; }
  int error() const { return error_; }

 private:
  size_t write_all(const char* data, size_t length);
  void rotate();
  bool reopen();
  void note_error(int error) {
    if (error_ == 0) error_ = error;
  }

  UniqueFd fd_;
  const uint64_t max_bytes_;  // 0: unbounded
  const std::string rotate_path_;
  const int keep_;
  bool is_nonblocking_ = false;
  mode_t mode_ = 0640;
  uint64_t size_ = 0;  // of the present file, with what was in it before
  uint64_t written_ = 0;
  uint64_t dropped_ = 0;
  int error_ = 0;
};

}  // namespace dobby
