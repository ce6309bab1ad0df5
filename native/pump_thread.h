#pragma once

#include <uv.h>

#include <memory>
#include <unordered_map>

#include "handle_count.h"
#include "log_pump.h"

namespace dobby {

/** What is told of the events of the pump, on the loop. */
class PumpListener {
 public:
  virtual ~PumpListener() = default;
  virtual void on_pump(const PumpEvent& event) = 0;
  /** There are pumps from now on, or none any more. */
  virtual void on_busy(bool is_busy) = 0;
};

/** The log pump's thread of an environment, started with the first pump. */
class PumpThread {
 public:
  PumpThread(uv_loop_t* loop, HandleCount& handles) : loop_(loop), handles_(handles) {}
  PumpThread(const PumpThread&) = delete;
  PumpThread& operator=(const PumpThread&) = delete;

  void set_listener(std::unique_ptr<PumpListener> listener) { listener_ = std::move(listener); }
  bool has_listener() const { return listener_ != nullptr; }

  /** 0, or -errno with nothing taken over. */
  int start(int32_t token, int source, int target, uint64_t max_bytes, std::string rotate_path, int keep);
  void notify_past(int32_t token, uint64_t seen);
  /** The loop stays alive until the end has been told: it comes soon. */
  void finish(int32_t token);
  /** What has not been copied is lost. */
  void stop();

 private:
  int start_thread();
  void deliver();
  void update_busy();

  uv_loop_t* const loop_;
  HandleCount& handles_;
  uv_async_t* async_ = nullptr;
  uv_thread_t thread_ = {};
  std::unique_ptr<LogPump> pump_;
  std::unique_ptr<PumpListener> listener_;
  std::unordered_map<int32_t, bool> finishing_;  // of every pump that has not ended
  size_t finishing_count_ = 0;
  bool is_busy_ = false;
};

}  // namespace dobby
