#include "exit_poll.h"

#include <cerrno>

namespace dobby {

int ExitPoll::open(std::unique_ptr<ExitListener> listener) {
  if (handle_) return -EALREADY;
  const int opened = watch_.open();
  if (opened < 0) return opened;
  auto handle = std::make_unique<uv_poll_t>();
  const int error = uv_poll_init(loop_, handle.get(), watch_.epoll_fd());
  if (error != 0) {
    watch_.close();
    return error;
  }
  handle_ = handle.release();
  handle_->data = this;
  handles_.opened();
  listener_ = std::move(listener);
  uv_poll_start(handle_, UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<ExitPoll*>(poll->data)->deliver(); });
  update();
  return 0;
}

void ExitPoll::close() {
  if (!handle_) return;
  handle_->data = &handles_;
  uv_close(reinterpret_cast<uv_handle_t*>(handle_), [](uv_handle_t* handle) {
    auto* const count = static_cast<HandleCount*>(handle->data);
    delete reinterpret_cast<uv_poll_t*>(handle);
    count->closed();
  });
  handle_ = nullptr;
  watch_.close();
}

void ExitPoll::deliver() {
  // Until the set is empty, or the callback (which runs JavaScript, and so can end a worker) has closed us.
  for (bool more = true; more && handle_;) {
    size_t capacity = 0;
    ExitRecord* const batch = listener_->batch(capacity);
    if (!batch) {
      uv_poll_stop(handle_);  // or the loop would never sleep again
      return;
    }
    const size_t count = watch_.drain(batch, capacity, more);
    if (count == 0) continue;
    update();
    listener_->on_exits(count);
  }
}

void ExitPoll::update() {
  auto* const handle = reinterpret_cast<uv_handle_t*>(handle_);
  if (watch_.ref_count() > 0) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
  if (is_busy_ == (watch_.count() > 0)) return;
  is_busy_ = !is_busy_;
  listener_->on_busy(is_busy_);
}

int ExitPoll::watch(int32_t token, int pidfd, pid_t pid) {
  if (!handle_) return -EINVAL;
  const int result = watch_.add(token, pidfd, pid);
  update();
  return result;
}

int ExitPoll::unwatch(int32_t token) {
  if (!handle_) return -ENOENT;
  const int result = watch_.remove(token);
  update();
  return result;
}

void ExitPoll::set_ref(int32_t token, bool on) {
  if (!handle_) return;
  watch_.set_ref(token, on);
  update();
}

}  // namespace dobby
