/* Clocks, figures and failing: shared by every command. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t now_ns(void);
/* User and system time of this process, without its children's. */
uint64_t cpu_ns(void);
long minor_faults(void);

/* One figure: a line "name value" on stdout. Safe from several threads. */
void figure(const char *name, double value);

/* Says what failed and ends the process with 1: a benchmark that goes on after a failure measures nothing. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, with errno's text. */
_Noreturn void fail_errno(const char *what);

/* "--name value" options, then "--" and the rest. */
struct options {
  int argc;
  char **argv;
};
const char *option(const struct options *options, const char *name, const char *fallback);
long option_number(const struct options *options, const char *name, long fallback);
/* What follows "--", NULL-terminated; fails when there is none. */
char **option_rest(const struct options *options);

/* Allocates megabytes of memory and writes to every page. */
char *fill_heap(long megabytes);
void touch_heap(char *heap, long megabytes);
