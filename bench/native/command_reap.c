/* reap: runs a program as a container's init or systemd would: what its children leave behind is reaped at
 * once. Without it the leftovers of the competitors would wait for a pid 1 that may look once a second. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "container.h"

static pid_t child;

static void forward(int signal_number) { kill(child, signal_number); }

int command_reap(const struct options *options) {
  char **argv = option_rest(options);
  become_subreaper();
  /* A shell between us and the caller does not pass a signal on. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  child = fork();
  if (child < 0) fail_errno("fork");
  if (child == 0) {
    execvp(argv[0], argv);
    fail_errno(argv[0]);
  }
  signal(SIGTERM, forward);
  signal(SIGHUP, forward);
  /* From a terminal it reaches the child without us. */
  signal(SIGINT, SIG_IGN);
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) fail_errno("waitpid");
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}
