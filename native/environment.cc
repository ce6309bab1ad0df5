#include "environment.h"

#include <mutex>
#include <set>

namespace dobby {

namespace {

/** The environments of the process: what one that has ended left half-done is for the others to finish. */
struct Register {
  std::mutex mutex;
  std::set<int64_t> alive;
  int64_t count = 0;

  /** Never destroyed: an environment may outlive the statics. */
  static Register& of_process() {
    static auto* const instance = new Register;
    return *instance;
  }
};

constexpr int kCopyBits = 20;

/** Another copy of the addon in this process counts from 1 too: what tells them apart is where they are in memory. */
int64_t copy_number() {
  constexpr int kPageBits = 12;
  static const char place = 0;
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(&place) >> kPageBits) & ((1 << kCopyBits) - 1);
}

int64_t register_new() {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const int64_t id = (++all.count << kCopyBits) | copy_number();
  all.alive.insert(id);
  return id;
}

}  // namespace

/** The object's side of the tie between the two, either of which may be the first to go. */
struct Environment::Owner {
  Environment* environment;

  static void finalize(napi_env, void* data, void*) {
    auto* const owner = static_cast<Owner*>(data);
    if (owner->environment) {
      owner->environment->owner_ = nullptr;
      owner->environment->close();
    }
    delete owner;
  }
};

bool Environment::is_alive(int64_t id) {
  if ((id & ((1 << kCopyBits) - 1)) != copy_number()) return true;
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.alive.count(id) != 0;
}

int Environment::ended() {
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return static_cast<int>(all.count) - static_cast<int>(all.alive.size());
}

Environment::Environment(napi_env env, uv_loop_t* its_loop)
    : id(register_new()),
      object(env),
      loop(its_loop),
      spawn_thread(its_loop, handles_),
      exits(its_loop, handles_),
      poller(its_loop, handles_),
      pumps(its_loop, handles_) {}

Environment::~Environment() {
  if (owner_) owner_->environment = nullptr;
  Register& all = Register::of_process();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.alive.erase(id);
}

Environment* Environment::create(napi_env env, napi_value object) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* const environment = new Environment(env, loop);
  auto* const owner = new Owner{environment};
  // The asynchronous kind of hook: Node runs the loop until it is removed, and a uv handle that is still open
  // when a worker's loop is closed aborts the process.
  const auto on_cleanup = [](napi_async_cleanup_hook_handle, void* self) { static_cast<Environment*>(self)->close(); };
  if (!environment->object.open(object) ||
      napi_add_async_cleanup_hook(env, on_cleanup, environment, &environment->cleanup_) != napi_ok) {
    delete environment;
    delete owner;
    return nullptr;
  }
  // Without it, it ends with the environment.
  if (napi_wrap(env, object, owner, Owner::finalize, nullptr, nullptr) == napi_ok) {
    environment->owner_ = owner;
  } else {
    delete owner;
  }
  return environment;
}

void Environment::close() {
  if (is_closing_) return;
  is_closing_ = true;
  // Threads first: they send to handles.
  spawn_thread.stop();
  pumps.stop();
  exits.close();
  poller.close_all();
  fds.close_all();
  handles_.when_all_closed(
      [](void* context) {
        auto* const environment = static_cast<Environment*>(context);
        auto* const cleanup = environment->cleanup_;
        delete environment;
        napi_remove_async_cleanup_hook(cleanup);
      },
      this);
}

}  // namespace dobby
