#include "environment.h"

namespace dobby {

Environment::Environment(uv_loop_t* its_loop)
    : loop(its_loop),
      spawn_thread(its_loop, handles_),
      exits(its_loop, handles_),
      poller(its_loop, handles_),
      pumps(its_loop, handles_) {}

Environment* Environment::create(napi_env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* const environment = new Environment(loop);
  // The asynchronous kind of hook: Node runs the loop until it is removed, and a uv handle that is still open
  // when a worker's loop is closed aborts the process.
  if (napi_add_async_cleanup_hook(env, on_cleanup, environment, &environment->cleanup_) != napi_ok) {
    delete environment;
    return nullptr;
  }
  return environment;
}

void Environment::on_cleanup(napi_async_cleanup_hook_handle, void* argument) {
  auto* const self = static_cast<Environment*>(argument);
  // Threads first: they send to handles.
  self->spawn_thread.stop();
  self->pumps.stop();
  self->exits.close();
  self->poller.close_all();
  self->fds.close_all();
  self->handles_.when_all_closed(
      [](void* context) {
        auto* const environment = static_cast<Environment*>(context);
        auto* const cleanup = environment->cleanup_;
        delete environment;
        napi_remove_async_cleanup_hook(cleanup);
      },
      self);
}

}  // namespace dobby
