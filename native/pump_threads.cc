#include "pump_threads.h"

#include <cerrno>

#include "files.h"
#include "loop_async.h"
#include "thread.h"

namespace dobby {

int PumpThreads::thread_for(uint64_t device, Thread*& found) {
  const auto known = threads_.find(device);
  if (known != threads_.end()) {
    found = &known->second;
    return 0;
  }
  end_idle(nullptr);
  if (!async_) async_ = open_async<PumpThreads, &PumpThreads::deliver>(loop_, this, handles_);
  auto pump = std::make_unique<LogPump>([](void* handle) { uv_async_send(static_cast<uv_async_t*>(handle)); }, async_);
  uv_thread_t thread;
  int error = pump->open();
  if (error == 0) {
    error = start_quiet_thread(&thread, [](void* self) { static_cast<LogPump*>(self)->run(); }, pump.get());
  }
  if (error != 0) return error;
  found = &threads_.emplace(device, Thread{std::move(pump), thread}).first->second;
  return 0;
}

/** Devices come and go: of those without a pump only the last one's thread is kept, for the next. */
void PumpThreads::end_idle(const Thread* kept) {
  for (auto it = threads_.begin(); it != threads_.end();) {
    const auto next = std::next(it);
    if (it->first != 0 && it->second.count == 0 && &it->second != kept) {
      end(it->second);
      threads_.erase(it);
    }
    it = next;
  }
}

void PumpThreads::end(Thread& thread) {
  thread.pump->stop();
  uv_thread_join(&thread.thread);
}

int PumpThreads::start(int32_t token, int source, int target, uint64_t max_bytes, std::string rotate_path,
                       int keep) {
  if (started_.count(token) != 0) return -EEXIST;
  Thread* thread = nullptr;
  const int error = thread_for(rotate_path.empty() ? 0 : device_of(target), thread);
  if (error != 0) return error;
  thread->count++;
  started_[token] = {thread, false};
  update_busy();
  thread->pump->start(token, UniqueFd(source),
                      std::make_unique<LogTarget>(UniqueFd(target), max_bytes, std::move(rotate_path), keep));
  return 0;
}

void PumpThreads::notify_past(int32_t token, uint64_t seen) {
  const auto it = started_.find(token);
  if (it != started_.end()) it->second.thread->pump->notify_past(token, seen);
}

void PumpThreads::finish(int32_t token) {
  const auto it = started_.find(token);
  if (it == started_.end() || it->second.is_finishing) return;
  it->second.is_finishing = true;
  if (finishing_count_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(async_));
  it->second.thread->pump->finish(token);
}

void PumpThreads::cut(int32_t token) {
  const auto it = started_.find(token);
  if (it != started_.end()) it->second.thread->pump->cut(token);
}

void PumpThreads::deliver() {
  std::vector<PumpEvent> events;
  for (auto& entry : threads_) {
    for (const PumpEvent& event : entry.second.pump->take_events()) events.push_back(event);
  }
  for (const PumpEvent& event : events) {
    const auto it = started_.find(event.token);
    if (it == started_.end()) continue;
    if (event.kind != PumpEventKind::kData) settle(it->second);
    if (event.kind == PumpEventKind::kEnd) {
      Thread* const thread = it->second.thread;
      started_.erase(it);
      if (--thread->count == 0) end_idle(thread);
    }
    listener_->on_pump(event);
    update_busy();
  }
}

/** What finish() has waited for has come. */
void PumpThreads::settle(Started& started) {
  if (started.is_finishing && --finishing_count_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(async_));
  started.is_finishing = false;
}

void PumpThreads::update_busy() {
  if (is_busy_ != started_.empty()) return;
  is_busy_ = !is_busy_;
  listener_->on_busy(is_busy_);
}

void PumpThreads::stop() {
  if (!async_) return;
  for (auto& entry : threads_) end(entry.second);
  threads_.clear();
  started_.clear();
  close_async(std::exchange(async_, nullptr), handles_);
}

}  // namespace dobby
