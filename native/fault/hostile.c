// Runs in a container. 'send': tries to send descriptors over everything that it has been given, one and many at a
// time. 'fork': forks without end.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fork_for_ever(void) {
  for (;;) {
    if (fork() < 0) usleep(10000);
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "fork") == 0) fork_for_ever();
  int sent = 0;
  for (int fd = 0; fd < 256; fd++) {
    for (int count = 1; count <= 200; count += 199) {
      int fds[200];
      for (int i = 0; i < count; i++) fds[i] = 0;
      union {
        char bytes[CMSG_SPACE(sizeof fds)];
        struct cmsghdr align;
      } control;
      memset(&control, 0, sizeof control);
      char byte = 'x';
      struct iovec part = {&byte, 1};
      struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(count * sizeof(int));
      memcpy(CMSG_DATA(header), fds, count * sizeof(int));
      if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) sent++;
    }
  }
  printf("tried, %d sent\n", sent);
  return sent;
}
