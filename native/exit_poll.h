#pragma once

#include <uv.h>

#include <memory>

#include "exit_watch.h"
#include "handle_count.h"

namespace dobby {

/** Where exits are written, and what is told how many there are. */
class ExitListener {
 public:
  virtual ~ExitListener() = default;
  /** The records to fill; null when there is nowhere to write any more. */
  virtual ExitRecord* batch(size_t& capacity) = 0;
  virtual void on_exits(size_t count) = 0;
  /** There is something to be told of from now on, or nothing any more. */
  virtual void on_busy(bool is_busy) = 0;
};

/** The exit watch of an environment on its loop: one uv_poll, alive while a watch with ref is. */
class ExitPoll {
 public:
  ExitPoll(uv_loop_t* loop, HandleCount& handles) : loop_(loop), handles_(handles) {}
  ExitPoll(const ExitPoll&) = delete;
  ExitPoll& operator=(const ExitPoll&) = delete;

  /** 0 or -errno. */
  int open(std::unique_ptr<ExitListener> listener);
  bool is_open() const { return handle_ != nullptr; }
  void close();

  int watch(int32_t token, int pidfd, pid_t pid);
  int unwatch(int32_t token);
  void set_ref(int32_t token, bool on);
  int signal(int32_t token, int signal) const { return watch_.signal(token, signal); }

 private:
  void deliver();
  void update();

  uv_loop_t* const loop_;
  HandleCount& handles_;
  ExitWatch watch_;
  uv_poll_t* handle_ = nullptr;
  std::unique_ptr<ExitListener> listener_;
  bool is_busy_ = false;
};

}  // namespace dobby
