#pragma once

#include <node_api.h>
#include <uv.h>

#include "exit_poll.h"
#include "handle_count.h"
#include "owned_fds.h"
#include "poller.h"
#include "pump_thread.h"
#include "spawn.h"
#include "spawn_thread.h"

namespace dobby {

/**
 * All that one JavaScript environment (the main thread, or a worker) has of the addon. It is made when the addon
 * is loaded there, and ends with the environment: threads are joined, handles and descriptors closed. Processes
 * go on running.
 */
class Environment {
 public:
  /** Null when the environment has no loop; it deletes itself. */
  static Environment* create(napi_env env);
  /** Whether an environment of this process that had this id has not ended. */
  static bool is_alive(int id);
  /** How many environments of this process have ended. */
  static int ended();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  explicit Environment(uv_loop_t* loop);
  ~Environment();
  static void on_cleanup(napi_async_cleanup_hook_handle handle, void* argument);

  // First, because the members below count down in it while they go.
  HandleCount handles_;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;

 public:
  /** Not another environment's of this process, ever. */
  const int id;
  uv_loop_t* const loop;
  OwnedFds fds;
  OrphanTickets tickets;
  CloneStack clone_stack;  // of synchronous spawns
  SpawnThread spawn_thread;
  ExitPoll exits;
  Poller poller;
  PumpThread pumps;
};

}  // namespace dobby
