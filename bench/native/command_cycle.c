/* cycle: create, start, first output byte, exit, delete; --in-flight threads side by side for as many cycles
 * as --count says in all, --idle-ms before each. A failed cycle is counted, said on stderr, and cleaned up. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "container.h"

static struct runtime runtime;
static const char *prefix;
static long total, warm, idle_ms;
static atomic_long next_cycle, failures, measured_start;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

struct times {
  uint64_t created, first_byte, deleted;
};

static bool one_cycle(const char *id, struct times *times, const char **step) {
  int ends[2];
  pipe_or_fail(ends);
  uint64_t start = now_ns();
  *step = "create";
  pid_t init = create_container(&runtime, id, ends[1], NULL);
  close(ends[1]);
  bool good = init > 0;
  times->created = now_ns() - start;
  if (good) {
    *step = "start";
    good = act(&runtime, "start", id);
  }
  if (good) {
    *step = "first byte";
    char byte[64];
    good = read(ends[0], byte, sizeof byte) == 1;
    times->first_byte = now_ns() - start;
    while (good && read(ends[0], byte, sizeof byte) > 0) continue;
  }
  close(ends[0]);
  if (good) {
    *step = "exit";
    good = wait_for(init) == 0;
  }
  if (good) {
    *step = "delete";
    good = delete_container(&runtime, id);
    times->deleted = now_ns() - start;
  }
  return good;
}

static void *run_cycles(void *unused) {
  (void)unused;
  for (long i; (i = atomic_fetch_add(&next_cycle, 1)) < total + warm;) {
    char id[kMaxId];
    snprintf(id, sizeof id, "%s%d-%ld", prefix, getpid(), i);
    if (idle_ms > 0) usleep((useconds_t)idle_ms * 1000);
    if (i == warm) atomic_store(&measured_start, (long)now_ns());
    struct times times = {0};
    const char *step = "";
    if (!one_cycle(id, &times, &step)) {
      atomic_fetch_add(&failures, 1);
      fprintf(stderr, "cycle %s failed at %s\n", id, step);
      char *const argv[] = {"runtime", "--root", (char *)runtime.root, "delete", "--force", id, NULL};
      run(&runtime.program, argv, false);
      continue;
    }
    if (i < warm) continue;
    pthread_mutex_lock(&output);
    figure("create", (double)times.created);
    figure("firstByte", (double)times.first_byte);
    figure("cycle", (double)times.deleted);
    pthread_mutex_unlock(&output);
  }
  return NULL;
}

int command_cycle(const struct options *options) {
  long threads = option_number(options, "in-flight", 1);
  runtime = open_runtime(options);
  prefix = option(options, "prefix", "c");
  total = option_number(options, "count", 1);
  warm = option_number(options, "warm", 0);
  idle_ms = option_number(options, "idle-ms", 0);
  become_subreaper();

  enum { kMaxThreads = 512 };
  if (threads > kMaxThreads) fail("at most %d in flight", kMaxThreads);
  pthread_t ids[kMaxThreads];
  for (long i = 0; i < threads; i++) {
    if (pthread_create(&ids[i], NULL, run_cycles, NULL)) fail("pthread_create failed");
  }
  for (long i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  double seconds = (double)(now_ns() - (uint64_t)atomic_load(&measured_start)) / 1e9;
  figure("rate", (double)(total - atomic_load(&failures)) / seconds);
  figure("failures", (double)atomic_load(&failures));
  return 0;
}
