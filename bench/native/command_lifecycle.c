/* lifecycle: one container after another through every verb, each verb timed on its own.
 * create-many, delete-many: the containers that another measurement needs. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "container.h"

static const char kSigcont[] = "18"; /* does nothing to who is not stopped */

#define TIMED(name, call)                                    \
  do {                                                       \
    uint64_t start_ = now_ns();                              \
    if (!(call)) fail("%s of %s failed", name, id);          \
    if (measured) figure(name, (double)(now_ns() - start_)); \
  } while (0)

static void one_lifecycle(const struct runtime *runtime, const char *id, long repeats, bool measured) {
  pid_t init = -1;
  TIMED("create", (init = create_container(runtime, id, -1, NULL)) > 0);
  TIMED("start", act(runtime, "start", id));
  /* As in the Node contestants: the program's own exec must not disturb the next verb. */
  usleep(5000);
  for (long i = 0; i < repeats; i++) {
    TIMED("state", read_state(runtime, id));
    TIMED("pause", act(runtime, "pause", id));
    TIMED("resume", act(runtime, "resume", id));
    TIMED("signal", kill_container(runtime, id, kSigcont));
  }
  TIMED("exec", exec_detached(runtime, id));
  /* The exec'd process was handed to us (the init still lives): unreaped, it would keep the init from ending. */
  if (waitpid(-1, NULL, 0) < 0) fail_errno("waitpid");
  TIMED("kill", kill_container(runtime, id, "9"));
  wait_for(init);
  TIMED("destroy", delete_container(runtime, id));
}

int command_lifecycle(const struct options *options) {
  const struct runtime runtime = open_runtime(options);
  long count = option_number(options, "count", 1);
  long warm = option_number(options, "warm", 0);
  long repeats = option_number(options, "repeats", 3);
  become_subreaper();
  for (long i = -warm; i < count; i++) {
    char id[kMaxId];
    snprintf(id, sizeof id, "%s%d-%ld", option(options, "prefix", "c"), getpid(), i + warm);
    one_lifecycle(&runtime, id, repeats, i >= 0);
  }
  return 0;
}

/* The containers stay behind, started, under the nearest reaper above us. */
int command_create_many(const struct options *options) {
  const struct runtime runtime = open_runtime(options);
  long count = option_number(options, "count", 1);
  for (long i = 0; i < count; i++) {
    char id[kMaxId];
    snprintf(id, sizeof id, "%s%ld", option(options, "prefix", "c"), i);
    pid_t init = create_container(&runtime, id, -1, NULL);
    if (init < 0 || !act(&runtime, "start", id)) fail("create or start of %s failed", id);
    printf("%s %d\n", id, init);
  }
  return 0;
}

int command_delete_many(const struct options *options) {
  struct runtime runtime = open_runtime(options);
  long count = option_number(options, "count", 1);
  bool all = true;
  for (long i = 0; i < count; i++) {
    char id[kMaxId];
    snprintf(id, sizeof id, "%s%ld", option(options, "prefix", "c"), i);
    char *const argv[] = {"runtime", "--root", (char *)runtime.root, "delete", "--force", id, NULL};
    all &= run(&runtime.program, argv, true);
  }
  return all ? 0 : 1;
}
