#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

static const struct {
  const char *name;
  int (*run)(const struct options *);
} kCommands[] = {
    {"spawn", command_spawn},
    {"run", command_run},
    {"lifecycle", command_lifecycle},
    {"cycle", command_cycle},
    {"exits", command_exits},
    {"output", command_output},
    {"create-many", command_create_many},
    {"delete-many", command_delete_many},
    {"reap", command_reap},
};

int main(int argc, char **argv) {
  /* A disposition of SIG_IGN would be inherited from whoever started us, and waitpid would then find nothing. */
  signal(SIGCHLD, SIG_DFL);
  for (size_t i = 0; argc > 1 && i < sizeof kCommands / sizeof *kCommands; i++) {
    if (strcmp(argv[1], kCommands[i].name)) continue;
    const struct options options = {argc - 2, argv + 2};
    int code = kCommands[i].run(&options);
    return fflush(stdout) ? 1 : code;
  }
  fprintf(stderr, "usage: baseline COMMAND [--OPTION VALUE]... [-- PROGRAM ARGUMENT...]\ncommands:");
  for (size_t i = 0; i < sizeof kCommands / sizeof *kCommands; i++) fprintf(stderr, " %s", kCommands[i].name);
  fprintf(stderr, "\n");
  return 2;
}
