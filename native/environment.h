#pragma once

#include <node_api.h>
#include <uv.h>

#include "exit_poll.h"
#include "handle_count.h"
#include "object_hold.h"
#include "owned_fds.h"
#include "poller.h"
#include "pump_threads.h"
#include "spawn.h"
#include "spawn_thread.h"

namespace dobby {

/**
 * All that those who loaded the package once have of the addon, in one JavaScript environment (the main thread, or a
 * worker). It ends with the environment, or before, when nobody has its object any more and nothing here will call back:
 * threads are joined, handles and descriptors closed. Processes go on running.
 */
class Environment {
 public:
  /** For the functions of this object. Null when the environment has no loop; it deletes itself. */
  static Environment* create(napi_env env, napi_value object);
  /** Whether an environment of this process that had this id has not ended, as far as this copy of the addon knows. */
  static bool is_alive(int64_t id);
  /** How many environments of this process have ended. */
  static int ended();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  struct Owner;
  Environment(napi_env env, uv_loop_t* loop);
  ~Environment();
  void close();

  // First, because the members below count down in it while they go.
  HandleCount handles_;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  Owner* owner_ = nullptr;
  bool is_closing_ = false;

 public:
  /** Not another environment's of this process, ever. */
  const int64_t id;
  /** What functions are kept by that must not keep their module: see Callback::kept_by. */
  ObjectHold object;
  uv_loop_t* const loop;
  OwnedFds fds;
  OrphanTickets tickets;
  CloneStack clone_stack;  // of synchronous spawns
  SpawnThread spawn_thread;
  ExitPoll exits;
  Poller poller;
  PumpThreads pumps;
};

}  // namespace dobby
