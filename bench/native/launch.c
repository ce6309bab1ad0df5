#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static char *const kEnvironment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};

static int null_fd = -1;

static int sealed_image(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail_errno(path);
  struct stat info;
  if (fstat(file, &info)) fail_errno(path);
  int image = memfd_create("runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (image < 0) fail_errno("memfd_create");
  for (off_t left = info.st_size; left > 0;) {
    ssize_t copied = sendfile(image, file, NULL, (size_t)left);
    if (copied <= 0) fail_errno("sendfile");
    left -= copied;
  }
  if (fchmod(image, 0555)) fail_errno("fchmod");
  if (fcntl(image, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) fail_errno("F_ADD_SEALS");
  close(file);
  return image;
}

struct program open_program(const char *path, const char *image) {
  /* Before any thread starts. */
  if (null_fd < 0) null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0) fail_errno("/dev/null");
  if (strcmp(image, "path") && strcmp(image, "memfd")) fail("--image is path or memfd, not '%s'", image);
  return (struct program){path, strcmp(image, "memfd") ? -1 : sealed_image(path)};
}

pid_t launch(const struct program *program, char *const argv[], const int fds[3]) {
  pid_t pid = vfork();
  if (pid < 0) fail_errno("vfork");
  if (pid == 0) {
    /* Shares our memory until exec: system calls only. */
    for (int i = 0; i < 3; i++) {
      int fd = fds[i] < 0 ? null_fd : fds[i];
      if (fd != i && dup2(fd, i) < 0) _exit(126);
    }
    if (program->image_fd >= 0) {
      syscall(SYS_execveat, program->image_fd, "", argv, kEnvironment, AT_EMPTY_PATH);
    } else {
      execve(program->path, argv, kEnvironment);
    }
    _exit(127);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) fail_errno("waitpid");
  }
  return status;
}

bool run(const struct program *program, char *const argv[], bool show_errors) {
  const int fds[3] = {-1, -1, show_errors ? 2 : -1};
  return wait_for(launch(program, argv, fds)) == 0;
}

void pipe_or_fail(int fds[2]) {
  if (pipe2(fds, O_CLOEXEC)) fail_errno("pipe2");
}

ssize_t run_and_read(const struct program *program, char *const argv[]) {
  int ends[2];
  pipe_or_fail(ends);
  const int fds[3] = {-1, ends[1], 2};
  pid_t pid = launch(program, argv, fds);
  close(ends[1]);
  char buffer[65536];
  ssize_t total = 0;
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (got > 0) total += got;
    else if (errno != EINTR) fail_errno("read");
  }
  close(ends[0]);
  return wait_for(pid) == 0 ? total : -1;
}
