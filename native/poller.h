#pragma once

#include <uv.h>

#include <memory>
#include <unordered_map>

#include "handle_count.h"
#include "unique_fd.h"

namespace dobby {

constexpr int kReadable = 1;
constexpr int kWritable = 2;

/** What is told that a descriptor is ready. */
class ReadyListener {
 public:
  virtual ~ReadyListener() = default;
  /** events, or -errno. The listener may close the poll, and is deleted with it, after this has returned. */
  virtual void on_ready(int events) = 0;
};

/** Descriptors watched by uv_poll, each with a listener. The descriptor's number names the poll. */
class Poller {
 public:
  Poller(uv_loop_t* loop, HandleCount& handles) : loop_(loop), handles_(handles) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /** Takes over fd when it succeeds; 0 or -errno. */
  int open(int fd, int events, std::unique_ptr<ReadyListener> listener);
  int set(int fd, int events);
  void ref(int fd, bool on);
  void close(int fd);
  void close_all();

 private:
  struct Poll;
  static void on_poll(uv_poll_t* handle, int status, int events);

  uv_loop_t* const loop_;
  HandleCount& handles_;
  std::unordered_map<int, Poll*> polls_;
};

}  // namespace dobby
