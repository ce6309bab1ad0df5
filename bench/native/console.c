#include "console.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "measure.h"

struct console open_console(const char *directory, const char *name) {
  struct console console;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (snprintf(console.path, sizeof console.path, "%s/%s.sock", directory, name) >= (int)sizeof console.path) {
    fail("console socket path too long: %s/%s.sock", directory, name);
  }
  memcpy(address.sun_path, console.path, sizeof console.path);
  console.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (console.listener < 0) fail_errno("socket");
  if (bind(console.listener, (struct sockaddr *)&address, sizeof address)) fail_errno(console.path);
  if (listen(console.listener, 1)) fail_errno("listen");
  return console;
}

int receive_master(struct console *console) {
  int peer = accept4(console->listener, NULL, NULL, SOCK_CLOEXEC);
  if (peer < 0) fail_errno("accept4");
  char byte[64];
  struct iovec vector = {byte, sizeof byte};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(peer, &message, MSG_CMSG_CLOEXEC) <= 0) fail_errno("recvmsg");
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS) fail("the runtime sent no terminal");
  int master;
  memcpy(&master, CMSG_DATA(header), sizeof master);
  close(peer);
  close(console->listener);
  unlink(console->path);
  return master;
}
