#include "measure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

long minor_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void figure(const char *name, double value) { printf("%s %.17g\n", name, value); }

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("baseline: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void fail_errno(const char *what) { fail("%s: %s", what, strerror(errno)); }

const char *option(const struct options *options, const char *name, const char *fallback) {
  for (int i = 0; i + 1 < options->argc && strcmp(options->argv[i], "--"); i += 2) {
    if (!strncmp(options->argv[i], "--", 2) && !strcmp(options->argv[i] + 2, name)) return options->argv[i + 1];
  }
  if (!fallback) fail("--%s is missing", name);
  return fallback;
}

long option_number(const struct options *options, const char *name, long fallback) {
  const char *text = option(options, name, "");
  if (!*text) return fallback;
  char *end;
  long value = strtol(text, &end, 10);
  if (*end) fail("--%s: '%s' is no number", name, text);
  return value;
}

char **option_rest(const struct options *options) {
  for (int i = 0; i + 1 < options->argc; i++) {
    if (!strcmp(options->argv[i], "--")) return options->argv + i + 1;
  }
  fail("'-- COMMAND' is missing");
}

enum { kPage = 4096 };

char *fill_heap(long megabytes) {
  if (megabytes <= 0) return NULL;
  char *heap = malloc((size_t)megabytes << 20);
  if (!heap) fail("no memory for a heap of %ld MB", megabytes);
  touch_heap(heap, megabytes);
  return heap;
}

void touch_heap(char *heap, long megabytes) {
  for (size_t at = 0; at < (size_t)megabytes << 20; at += kPage) ((volatile char *)heap)[at] = 1;
}
