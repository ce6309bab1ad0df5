#include "pump_thread.h"

#include <cerrno>

#include "loop_async.h"
#include "thread.h"

namespace dobby {

int PumpThread::start_thread() {
  if (pump_) return 0;
  uv_async_t* const async = open_async<PumpThread, &PumpThread::deliver>(loop_, this, handles_);
  auto pump = std::make_unique<LogPump>([](void* handle) { uv_async_send(static_cast<uv_async_t*>(handle)); }, async);
  int error = pump->open();
  if (error == 0) {
    error = start_quiet_thread(&thread_, [](void* self) { static_cast<LogPump*>(self)->run(); }, pump.get());
  }
  if (error != 0) {
    close_async(async, handles_);
    return error;
  }
  async_ = async;
  pump_ = std::move(pump);
  return 0;
}

int PumpThread::start(int32_t token, int source, int target, uint64_t max_bytes, std::string rotate_path,
                      int keep) {
  if (finishing_.count(token) != 0) return -EEXIST;
  const int error = start_thread();
  if (error != 0) return error;
  finishing_[token] = false;
  update_busy();
  pump_->start(token, UniqueFd(source),
               std::make_unique<LogTarget>(UniqueFd(target), max_bytes, std::move(rotate_path), keep));
  return 0;
}

void PumpThread::notify_past(int32_t token, uint64_t seen) {
  if (finishing_.count(token) != 0) pump_->notify_past(token, seen);
}

void PumpThread::finish(int32_t token) {
  const auto it = finishing_.find(token);
  if (it == finishing_.end() || it->second) return;
  it->second = true;
  if (finishing_count_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(async_));
  pump_->finish(token);
}

void PumpThread::deliver() {
  for (const PumpEvent& event : pump_->take_events()) {
    if (event.kind == PumpEventKind::kEnd) {
      const auto it = finishing_.find(event.token);
      if (it->second && --finishing_count_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(async_));
      finishing_.erase(it);
    }
    listener_->on_pump(event);
    update_busy();
  }
}

void PumpThread::update_busy() {
  if (is_busy_ != finishing_.empty()) return;
  is_busy_ = !is_busy_;
  listener_->on_busy(is_busy_);
}

void PumpThread::stop() {
  if (!pump_) return;
  pump_->stop();
  uv_thread_join(&thread_);
  pump_.reset();
  close_async(std::exchange(async_, nullptr), handles_);
}

}  // namespace dobby
