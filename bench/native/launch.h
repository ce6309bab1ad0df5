/* Starting a program with vfork: what every measured command does. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

struct program {
  const char *path;
  int image_fd; /* >= 0: executed instead of path */
};

/* image is "path" or "memfd"; the latter reads the file once into a sealed memfd. */
struct program open_program(const char *path, const char *image);

/* fds[i] becomes descriptor i of the child, -1 means /dev/null. The environment is PATH only. */
pid_t launch(const struct program *program, char *const argv[], const int fds[3]);

/* The wait status of a child; fails when it is not ours. */
int wait_for(pid_t pid);
/* launch and wait_for; true when it exited with 0. stderr is ours when show_errors. */
bool run(const struct program *program, char *const argv[], bool show_errors);
/* Runs it and reads all of its standard output; the number of bytes, or -1 when it did not exit with 0. */
ssize_t run_and_read(const struct program *program, char *const argv[]);
void pipe_or_fail(int fds[2]);
