#include "spawn_thread.h"

#include <cstdlib>
#include <utility>

#include "loop_async.h"
#include "orphans.h"
#include "thread.h"

namespace dobby {

SpawnResult spawn_and_claim(SpawnRequest& request, CloneStack& stack) {
  // The ticket covers the time in which the child is there and its pid is not known here yet.
  Orphans& orphans = Orphans::of_process();
  const int ticket = orphans.hold();
  SpawnResult result = spawn(request, stack);
  if (result.pid > 0) orphans.claim(result.pid);
  orphans.release(ticket);
  return result;
}

SpawnJob::~SpawnJob() {
  if (result_.pid > 0) Orphans::of_process().abandon(result_.pid);
}

SpawnThread::SpawnThread(uv_loop_t* loop, HandleCount& handles) : loop_(loop), handles_(handles) {
  if (uv_mutex_init(&mutex_) != 0 || uv_cond_init(&wake_) != 0) abort();
}

SpawnThread::~SpawnThread() {
  uv_cond_destroy(&wake_);
  uv_mutex_destroy(&mutex_);
}

bool SpawnThread::start() {
  if (!has_thread_) {
    has_thread_ =
        start_quiet_thread(&thread_, [](void* self) { static_cast<SpawnThread*>(self)->run(); }, this) == 0;
  }
  return has_thread_;
}

void SpawnThread::submit(std::unique_ptr<SpawnJob> job) {
  if (!async_) async_ = open_async<SpawnThread, &SpawnThread::deliver>(loop_, this, handles_);
  if (pending_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(async_));
  if (start()) {
    uv_mutex_lock(&mutex_);
    queue_.push_back(std::move(job));
    uv_mutex_unlock(&mutex_);
    // Afterwards: it would wake up only to wait for the mutex.
    uv_cond_signal(&wake_);
    return;
  }
  CloneStack stack;
  job->run(stack);
  finished_.push_back(std::move(job));
  uv_async_send(async_);
}

void SpawnThread::run() {
  CloneStack stack;
  uv_mutex_lock(&mutex_);
  for (;;) {
    while (queue_.empty() && !stopping_) uv_cond_wait(&wake_, &mutex_);
    if (stopping_) break;
    std::unique_ptr<SpawnJob> job = std::move(queue_.front());
    queue_.pop_front();
    uv_mutex_unlock(&mutex_);
    job->run(stack);
    uv_mutex_lock(&mutex_);
    finished_.push_back(std::move(job));
    uv_async_send(async_);
  }
  uv_mutex_unlock(&mutex_);
}

void SpawnThread::deliver() {
  std::vector<std::unique_ptr<SpawnJob>> finished;
  uv_mutex_lock(&mutex_);
  finished.swap(finished_);
  uv_mutex_unlock(&mutex_);
  pending_ -= finished.size();
  if (pending_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(async_));
  for (const auto& job : finished) job->done(std::exchange(job->result_, {}));
}

void SpawnThread::stop() {
  if (!async_) return;
  uv_mutex_lock(&mutex_);
  stopping_ = true;
  uv_cond_signal(&wake_);
  uv_mutex_unlock(&mutex_);
  if (has_thread_) uv_thread_join(&thread_);
  queue_.clear();
  finished_.clear();
  close_async(std::exchange(async_, nullptr), handles_);
}

}  // namespace dobby
