/* run: a command line, its output read to the end, timed from the call to the exit. */
#include "commands.h"
#include "launch.h"

int command_run(const struct options *options) {
  long count = option_number(options, "count", 1);
  long warm = option_number(options, "warm", 0);
  char **argv = option_rest(options);
  const struct program program = open_program(argv[0], option(options, "image", "path"));
  for (long i = -warm; i < count; i++) {
    uint64_t start = now_ns();
    if (run_and_read(&program, argv) < 0) fail("%s failed", argv[0]);
    if (i >= 0) figure("time", (double)(now_ns() - start));
  }
  return 0;
}
