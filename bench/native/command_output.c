/* output: bytes from a container to a caller: through a pipe, into a file, or through a terminal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "console.h"
#include "container.h"

enum { kBuffer = 65536 };

/* Reads to the end: end of file on a pipe, EIO on a terminal. */
static long long read_all(int fd, uint64_t *first_ns) {
  char *buffer = malloc(kBuffer);
  long long total = 0;
  for (ssize_t got; buffer && (got = read(fd, buffer, kBuffer)) != 0;) {
    if (got > 0) {
      if (total == 0) *first_ns = now_ns();
      total += got;
    } else if (errno == EIO) {
      break;
    } else if (errno != EINTR) {
      fail_errno("read");
    }
  }
  free(buffer);
  return total;
}

int command_output(const struct options *options) {
  const char *mode = option(options, "mode", NULL);
  const char *file = option(options, "file", "");
  long long expected = atoll(option(options, "bytes", NULL));
  const struct runtime runtime = open_runtime(options);
  char id[kMaxId];
  snprintf(id, sizeof id, "%s%d", option(options, "prefix", "c"), getpid());
  become_subreaper();

  int source = -1, target = -1, ends[2];
  struct console console;
  bool tty = !strcmp(mode, "tty");
  if (tty) {
    console = open_console(runtime.root, id);
  } else if (!strcmp(mode, "file")) {
    target = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (target < 0) fail_errno(file);
  } else {
    pipe_or_fail(ends);
    source = ends[0];
    target = ends[1];
  }
  pid_t init = create_container(&runtime, id, target, tty ? console.path : NULL);
  if (init < 0) fail("create of %s failed", id);
  if (tty) source = receive_master(&console);
  if (target >= 0) close(target);

  /* From the first byte, or for a file (nobody sees its first byte) from the call of start. */
  uint64_t cpu = cpu_ns(), first = now_ns();
  if (!act(&runtime, "start", id)) fail("start of %s failed", id);
  long long got = source >= 0 ? read_all(source, &first) : 0;
  int status = wait_for(init);
  uint64_t end = now_ns();
  if (status) fail("the container ended with wait status %#x", (unsigned)status);
  if (source < 0) {
    struct stat info;
    if (stat(file, &info)) fail_errno(file);
    got = info.st_size;
  }
  figure("time", (double)(end - first));
  figure("cpu", (double)(cpu_ns() - cpu));
  figure("lost", (double)(expected - got));
  return delete_container(&runtime, id) ? 0 : 1;
}
