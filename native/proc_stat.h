#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace dobby {

/** What is needed of /proc/<pid>/stat, see proc_pid_stat(5). */
struct ProcStat {
  char state = 0;
  pid_t parent = 0;
  pid_t session = 0;
  uint64_t start_time = 0;
  int exit_code = 0;  // a wait status; 0 as well when the reader may not see it
};

/** A program can call itself `) Z 1 (`: only the last parenthesis ends the name. */
bool parse_proc_stat(const char* text, size_t length, ProcStat& out);

bool read_proc_stat(pid_t pid, ProcStat& out);

/**
 * Whether the kernel shows us the fields of /proc/<pid>/stat that need ptrace access; it writes 0 where it does
 * not. Asked of a zombie: its `exe` link says EACCES when we lack the right, and ENOENT when we have it.
 */
bool may_see_exit_code(pid_t pid);

/** Whether /proc/<pid>/status lists the process in a pid namespace below ours. */
bool in_nested_pid_namespace(pid_t pid);

/** Whether pid is in another cgroup (v2) than this process. Not known is false. */
bool in_other_cgroup(pid_t pid);

}  // namespace dobby
