#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <unordered_map>

#include "handle_count.h"
#include "log_pump.h"

namespace dobby {

/** What is told of the events of the pumps, on the loop. */
class PumpListener {
 public:
  virtual ~PumpListener() = default;
  virtual void on_pump(const PumpEvent& event) = 0;
  /** There are pumps from now on, or none any more. */
  virtual void on_busy(bool is_busy) = 0;
};

/**
 * The log pumps of an environment. One thread has all that never waits for its target; for files there is one for each
 * device, so that a disk that hangs holds up the logs on it and no others.
 */
class PumpThreads {
 public:
  PumpThreads(uv_loop_t* loop, HandleCount& handles) : loop_(loop), handles_(handles) {}
  PumpThreads(const PumpThreads&) = delete;
  PumpThreads& operator=(const PumpThreads&) = delete;

  void set_listener(std::unique_ptr<PumpListener> listener) { listener_ = std::move(listener); }
  bool has_listener() const { return listener_ != nullptr; }

  /** 0, or -errno with nothing taken over. */
  int start(int32_t token, int source, int target, uint64_t max_bytes, std::string rotate_path, int keep);
  void notify_past(int32_t token, uint64_t seen);
  /** The loop stays alive until it has been told: usually it is soon. */
  void finish(int32_t token);
  void cut(int32_t token);
  /** What has not been copied is lost. */
  void stop();

 private:
  struct Thread {
    std::unique_ptr<LogPump> pump;
    uv_thread_t thread;
    size_t count = 0;
  };
  /** By the device that is written to; 0: what is no file on one. */
  using Threads = std::map<uint64_t, Thread>;
  struct Started {
    Thread* thread;
    bool is_finishing;
  };

  int thread_for(uint64_t device, Thread*& thread);
  void end_idle(const Thread* kept);
  static void end(Thread& thread);
  void deliver();
  void update_busy();
  void settle(Started& started);

  uv_loop_t* const loop_;
  HandleCount& handles_;
  uv_async_t* async_ = nullptr;
  Threads threads_;
  std::unique_ptr<PumpListener> listener_;
  std::unordered_map<int32_t, Started> started_;  // every pump that has not ended
  size_t finishing_count_ = 0;
  bool is_busy_ = false;
};

}  // namespace dobby
