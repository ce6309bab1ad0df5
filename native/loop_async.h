#pragma once

#include <uv.h>

#include <cstdlib>

#include "handle_count.h"

namespace dobby {

/** A uv_async that calls a member function on the loop. Starts unreferenced. */
template <typename T, void (T::*kMember)()>
uv_async_t* open_async(uv_loop_t* loop, T* object, HandleCount& handles) {
  auto* const async = new uv_async_t;
  const auto call = [](uv_async_t* handle) { (static_cast<T*>(handle->data)->*kMember)(); };
  // It can only fail when it is the first of its loop, and Node has several.
  if (uv_async_init(loop, async, call) != 0) abort();
  async->data = object;
  handles.opened();
  uv_unref(reinterpret_cast<uv_handle_t*>(async));
  return async;
}

/** No thread may send to it any more. */
inline void close_async(uv_async_t* async, HandleCount& handles) {
  async->data = &handles;
  uv_close(reinterpret_cast<uv_handle_t*>(async), [](uv_handle_t* handle) {
    auto* const count = static_cast<HandleCount*>(handle->data);
    delete reinterpret_cast<uv_async_t*>(handle);
    count->closed();
  });
}

}  // namespace dobby
