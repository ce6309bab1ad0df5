#include "container.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "measure.h"

enum { kMaxArguments = 24 };

/* The runtime's global options, then the rest up to NULL. */
static char *const *command_line(const struct runtime *runtime, char *argv[kMaxArguments], ...) {
  int count = 0;
  argv[count++] = "runtime";
  argv[count++] = "--root";
  argv[count++] = (char *)runtime->root;
  if (*runtime->cgroup_manager) {
    argv[count++] = "--cgroup-manager";
    argv[count++] = (char *)runtime->cgroup_manager;
  }
  va_list rest;
  va_start(rest, argv);
  for (char *each; (each = va_arg(rest, char *)) && count < kMaxArguments - 1;) argv[count++] = each;
  va_end(rest);
  argv[count] = NULL;
  return argv;
}

#define ARGS(...) command_line(runtime, (char *[kMaxArguments]){NULL}, __VA_ARGS__, (char *)NULL)

pid_t create_container(const struct runtime *runtime, const char *id, int stdout_fd, const char *console_socket) {
  char pid_file[kMaxPath];
  snprintf(pid_file, sizeof pid_file, "%s/.%s.pid", runtime->root, id);
  const int fds[3] = {-1, stdout_fd, runtime->show_errors ? 2 : -1};
  char *const *argv =
      console_socket
          ? ARGS("create", "--console-socket", (char *)console_socket, "--pid-file", pid_file, "--bundle",
                 (char *)runtime->bundle, (char *)id)
          : ARGS("create", "--pid-file", pid_file, "--bundle", (char *)runtime->bundle, (char *)id);
  if (wait_for(launch(&runtime->program, argv, fds)) != 0) return -1;

  int file = open(pid_file, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[32] = {0};
  ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  unlink(pid_file);
  return got > 0 ? (pid_t)atoi(text) : -1;
}

bool act(const struct runtime *runtime, const char *verb, const char *id) {
  return run(&runtime->program, ARGS((char *)verb, (char *)id), runtime->show_errors);
}

bool kill_container(const struct runtime *runtime, const char *id, const char *signal_number) {
  return run(&runtime->program, ARGS("kill", (char *)id, (char *)signal_number), runtime->show_errors);
}

bool delete_container(const struct runtime *runtime, const char *id) { return act(runtime, "delete", id); }

bool exec_detached(const struct runtime *runtime, const char *id) {
  return run(&runtime->program, ARGS("exec", "--detach", (char *)id, "/probe", "exit", "0"), runtime->show_errors);
}

bool read_state(const struct runtime *runtime, const char *id) {
  return run_and_read(&runtime->program, ARGS("state", (char *)id)) > 0;
}

struct runtime open_runtime(const struct options *options) {
  return (struct runtime){open_program(option(options, "runtime", NULL), option(options, "image", "path")),
                          option(options, "root", NULL), option(options, "bundle", ""),
                          option(options, "cgroup-manager", ""), true};
}

void become_subreaper(void) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1)) fail_errno("PR_SET_CHILD_SUBREAPER");
}
