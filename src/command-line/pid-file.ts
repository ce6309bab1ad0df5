import fs from 'node:fs';
import { isScarcity } from '../errors';
import { native } from '../native';
import { isWatched } from '../process/exit';
import { kEsrch, systemError } from '../system/errno';
import { startTicks } from '../system/process-stat';

// Ten digits and a newline: what is longer is no pid file.
const pidBytes = 16;

const pidText = Buffer.allocUnsafeSlow(pidBytes + 1);

/** The pid in a pid file; null when there is none that can be one. Throws when nobody can tell (EMFILE). */
export function pidIn(file: string): number | null {
  const length = native.readFile(file, fs.constants.O_NOFOLLOW, pidText, 0, pidText.length);
  if (length < 0) {
    const error = systemError('open', length);
    if (isScarcity(error)) throw error;
    return null;
  }
  return parsePid(pidText.toString('latin1', 0, length));
}

/** The pid that a pid file's text is, if it can be one. */
export function parsePid(untrimmed: string): number | null {
  const text = untrimmed.trim();
  const pid = Number(text);
  return /^[0-9]{1,10}$/.test(text) && pid > 1 && pid <= 0x7fffffff ? pid : null;
}

/** A pidfd of a process that was born during this call, or -1: the pid is somebody else's, or nobody's any more. */
export function openBornSince(pid: number, bootTicks: number): number {
  if (pid === process.pid || isWatched(pid)) return -1;
  const pidfd = native.pidfdOpen(pid);
  if (pidfd < 0 && pidfd !== kEsrch) throw systemError('pidfd_open', pidfd);
  if (pidfd < 0) return -1;
  let started: number | null;
  try {
    started = startTicks(pid);
  } catch (error) {
    native.close(pidfd);
    throw error;
  }
  // One tick of slack: both clocks are read rounded down.
  if (started !== null && started >= bootTicks - 1) return pidfd;
  native.close(pidfd);
  return -1;
}

/** By rename, so that a reader sees the whole number, and a symlink that waits there is replaced, not followed. */
export function writePidFile(file: string, pid: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  fs.rmSync(temporary, { force: true });
  try {
    fs.writeFileSync(temporary, String(pid), { flag: 'wx', mode: 0o644 });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
