#pragma once

#include <uv.h>

#include <deque>
#include <memory>
#include <vector>

#include "handle_count.h"
#include "spawn.h"

namespace dobby {

/** spawn(), with the new pid claimed (see orphans.h) for whoever gets the result. */
SpawnResult spawn_and_claim(SpawnRequest& request, CloneStack& stack);

/** A request on its way through the spawn thread. */
class SpawnJob {
 public:
  explicit SpawnJob(SpawnRequest request) : request_(std::move(request)) {}
  virtual ~SpawnJob();
  SpawnJob(const SpawnJob&) = delete;
  SpawnJob& operator=(const SpawnJob&) = delete;

  void run(CloneStack& stack) { result_ = spawn_and_claim(request_, stack); }
  /** On the loop. Takes the result, and with it the claim. */
  virtual void done(SpawnResult result) = 0;

 private:
  friend class SpawnThread;
  SpawnRequest request_;
  SpawnResult result_;
};

/**
 * The thread on which an environment spawns, started with the first job. The loop is kept alive by jobs only.
 * A child's parent in the sense of PR_SET_PDEATHSIG is this thread: the signal comes when a worker ends.
 */
class SpawnThread {
 public:
  SpawnThread(uv_loop_t* loop, HandleCount& handles);
  ~SpawnThread();
  SpawnThread(const SpawnThread&) = delete;
  SpawnThread& operator=(const SpawnThread&) = delete;

  /** Without a thread to be had, the job is run here and now; it is reported from the loop all the same. */
  void submit(std::unique_ptr<SpawnJob> job);
  /**
   * Waits for the job that is running, and drops the others with their descriptors. A child that was started and
   * not reported goes on, unwatched.
   */
  void stop();

 private:
  bool start();
  void run();
  void deliver();

  uv_loop_t* const loop_;
  HandleCount& handles_;
  uv_async_t* async_ = nullptr;
  uv_thread_t thread_ = {};
  bool has_thread_ = false;
  size_t pending_ = 0;

  // uv's and not the library's, whose condition variables bring the unwinder (see runtime.cc).
  uv_mutex_t mutex_;
  uv_cond_t wake_;
  std::deque<std::unique_ptr<SpawnJob>> queue_;
  std::vector<std::unique_ptr<SpawnJob>> finished_;
  bool stopping_ = false;
};

}  // namespace dobby
