/* The program inside the benchmark's containers: does one small thing and nothing else, so that its own start
 * costs as little as a static program can. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_bytes(unsigned long long total, size_t chunk) {
  char *buffer = malloc(chunk);
  if (!buffer) return 1;
  /* No newline: a terminal would turn it into two bytes. */
  memset(buffer, 'x', chunk);
  while (total > 0) {
    size_t want = total < chunk ? (size_t)total : chunk;
    ssize_t done = write(1, buffer, want);
    if (done <= 0) return 1;
    total -= (unsigned long long)done;
  }
  return 0;
}

/* A hook is given the container's state, and one that does not read it may break the runtime's pipe. */
static int read_stdin(void) {
  char buffer[4096];
  ssize_t got;
  while ((got = read(0, buffer, sizeof buffer)) > 0) continue;
  return got == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  if (!strcmp(verb, "exit")) return argc > 2 ? atoi(argv[2]) : 0;
  if (!strcmp(verb, "byte")) return write(1, "x", 1) == 1 ? 0 : 1;
  if (!strcmp(verb, "sleep")) {
    for (;;) pause();
  }
  if (!strcmp(verb, "write") && argc > 3) return write_bytes(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
  if (!strcmp(verb, "hook")) return read_stdin();
  fprintf(stderr, "usage: probe exit N | byte | hook | sleep | write BYTES CHUNK\n");
  return 2;
}
