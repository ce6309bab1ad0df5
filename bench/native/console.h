/* Receiving a container's terminal. */
#pragma once

struct console {
  char path[108];
  int listener;
};

struct console open_console(const char *directory, const char *name);
/* The pty master; closes the socket and removes its path. */
int receive_master(struct console *console);
