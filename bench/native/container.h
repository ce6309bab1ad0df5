/* The runtime's verbs as command lines. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "launch.h"
#include "measure.h"

struct runtime {
  struct program program;
  const char *root;
  const char *bundle;
  const char *cgroup_manager; /* crun's --cgroup-manager, "" for its default */
  bool show_errors;
};

enum { kMaxId = 96, kMaxPath = 512 };

/* From --runtime, --image, --root, --bundle, --cgroup-manager. */
struct runtime open_runtime(const struct options *options);
/* Creates a container whose standard output is stdout_fd (-1: /dev/null); the pid of its init, or -1. */
pid_t create_container(const struct runtime *runtime, const char *id, int stdout_fd, const char *console_socket);
/* start, pause, resume. */
bool act(const struct runtime *runtime, const char *verb, const char *id);
bool kill_container(const struct runtime *runtime, const char *id, const char *signal_number);
bool delete_container(const struct runtime *runtime, const char *id);
bool exec_detached(const struct runtime *runtime, const char *id);
bool read_state(const struct runtime *runtime, const char *id);
/* The init and what it leaves behind become our children, to be waited for. */
void become_subreaper(void);
