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
 * not be written is counted as dropped, and the first error is kept.
 */
class LogTarget {
 public:
  LogTarget(UniqueFd fd, uint64_t max_bytes, std::string rotate_path, int keep);

  void write(const char* data, size_t length);

  uint64_t written() const { return written_; }
  uint64_t dropped() const { return dropped_; }
  int error() const { return error_; }

 private:
  void write_all(const char* data, size_t length);
  void rotate();
  bool reopen();
  void note_error(int error) {
    if (error_ == 0) error_ = error;
  }

  UniqueFd fd_;
  const uint64_t max_bytes_;  // 0: unbounded
  const std::string rotate_path_;
  const int keep_;
  mode_t mode_ = 0640;
  uint64_t size_ = 0;  // of the present file, with what was in it before
  uint64_t written_ = 0;
  uint64_t dropped_ = 0;
  int error_ = 0;
};

}  // namespace dobby
