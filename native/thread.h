#pragma once

#include <uv.h>

#include "syscalls.h"

namespace dobby {

/**
 * A thread that runs no signal handlers of the program's: those are the main thread's business. It runs libc's, so
 * that every system call on it that waits can be interrupted.
 */
inline int start_quiet_thread(uv_thread_t* thread, uv_thread_cb run, void* argument) {
  const BlockSignals inherited(signals_of_programs());
  uv_thread_options_t options = {};
  options.flags = UV_THREAD_HAS_STACK_SIZE;
  options.stack_size = 256 * 1024;
  return uv_thread_create_ex(thread, &options, run, argument);
}

}  // namespace dobby
