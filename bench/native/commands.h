/* One function per command of the baseline; each prints figures and returns the exit code. */
#pragma once
#include "measure.h"

int command_spawn(const struct options *options);
int command_run(const struct options *options);
int command_lifecycle(const struct options *options);
int command_cycle(const struct options *options);
int command_exits(const struct options *options);
int command_output(const struct options *options);
int command_create_many(const struct options *options);
int command_delete_many(const struct options *options);
int command_reap(const struct options *options);
