#include "environment.h"

#include <mutex>
#include <set>

namespace dobby {

namespace {

/** The environments of the process: what one that has ended left half-done is for the others to finish. */
struct Register {
  std::mutex mutex;
  std::set<int> alive;
  int count = 0;

  /** Never destroyed: an environment may outlive the statics. */
  static Register& of_process() {
    static auto* const instance = new Register;
    return *instance;
  }
};

int register_new() {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.alive.insert(++all.count);
  return all.count;
}

}  // namespace

bool Environment::is_alive(int id) {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.alive.count(id) != 0;
}

int Environment::ended() {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.count - static_cast<int>(all.alive.size());
}

Environment::Environment(uv_loop_t* its_loop)
    : id(register_new()),
      loop(its_loop),
      spawn_thread(its_loop, handles_),
      exits(its_loop, handles_),
      poller(its_loop, handles_),
      pumps(its_loop, handles_) {}

Environment::~Environment() {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.alive.erase(id);
}

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
