#include "poller.h"

#include <poll.h>

#include <cerrno>

#include "syscalls.h"

namespace dobby {
namespace {

int uv_events(int events) {
  return ((events & kReadable) ? UV_READABLE : 0) | ((events & kWritable) ? UV_WRITABLE : 0);
}

}  // namespace

struct Poller::Poll {
  uv_poll_t handle;
  UniqueFd fd;
  int events = 0;
  bool is_closing = false;
  std::unique_ptr<ReadyListener> listener;
  HandleCount* handles = nullptr;
};

int Poller::open(int fd, int events, std::unique_ptr<ReadyListener> listener) {
  if (polls_.count(fd) != 0) return -EEXIST;
  auto poll = std::make_unique<Poll>();
  const int error = uv_poll_init(loop_, &poll->handle, fd);
  if (error != 0) return error;
  poll->handle.data = poll.get();
  poll->fd.reset(fd);
  poll->listener = std::move(listener);
  poll->handles = &handles_;
  handles_.opened();
  polls_[fd] = poll.release();
  return set(fd, events);
}

int Poller::set(int fd, int events) {
  const auto it = polls_.find(fd);
  if (it == polls_.end()) return -EBADF;
  Poll& poll = *it->second;
  poll.events = events;
  const int wanted = uv_events(events);
  return wanted ? uv_poll_start(&poll.handle, wanted, on_poll) : uv_poll_stop(&poll.handle);
}

void Poller::on_poll(uv_poll_t* handle, int status, int events) {
  Poll& poll = *static_cast<Poll*>(handle->data);
  int ready = ((events & UV_READABLE) ? kReadable : 0) | ((events & UV_WRITABLE) ? kWritable : 0);
  if (status == UV_EBADF) {
    // libuv's way of saying POLLERR, after which it has stopped. The next read or write tells what it is.
    pollfd entry = {poll.fd.get(), 0, 0};
    retry_interrupted([&] { return ::poll(&entry, 1, 0); });
    ready = (entry.revents & POLLNVAL) ? -EBADF : poll.events;
    if (ready > 0) uv_poll_start(handle, uv_events(ready), on_poll);
  } else if (status < 0) {
    ready = status;
  }
  if (ready != 0) poll.listener->on_ready(ready);
}

void Poller::ref(int fd, bool on) {
  const auto it = polls_.find(fd);
  if (it == polls_.end()) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&it->second->handle);
  if (on) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void Poller::close(int fd) {
  const auto it = polls_.find(fd);
  if (it == polls_.end()) return;
  Poll* const poll = it->second;
  polls_.erase(it);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle), [](uv_handle_t* handle) {
    Poll* const closed = static_cast<Poll*>(handle->data);
    HandleCount& handles = *closed->handles;
    delete closed;
    handles.closed();
  });
  // Now and not in the callback: the other side must see the end at once, and libuv is done with the number.
  poll->fd.reset();
}

void Poller::close_all() {
  while (!polls_.empty()) close(polls_.begin()->first);
}

}  // namespace dobby
