import fs from 'node:fs';
import { native } from '../native';
import { systemError } from '../system/errno';

/**
 * The end of a pipe for a process that shall outlive its reader: open for reading and writing (pipe(7) has it for
 * FIFOs; opening a pipe's descriptor in /proc gives the same). While the process itself counts as a reader it gets
 * neither SIGPIPE nor EPIPE when we die: it waits when the pipe is full, and a later process reads on. Takes over
 * writeFd, also when it throws.
 */
export function keepable(writeFd: number): number {
  try {
    return reopen(`/proc/self/fd/${writeFd}`, fs.constants.O_RDWR);
  } finally {
    native.close(writeFd);
  }
}

/** A descriptor of the addon's, of what a /proc link leads to. */
export function reopen(link: string, flags: number): number {
  const opened = fs.openSync(link, flags);
  try {
    const fd = native.duplicate(opened);
    if (fd < 0) throw systemError('dup', fd);
    return fd;
  } finally {
    fs.closeSync(opened);
  }
}
