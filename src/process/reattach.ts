import fs from 'node:fs';
import { native } from '../native';
import { FdStream } from './fd-stream';
import { reopen } from './kept-pipe';
import { ProcessStreams } from './stdio';

// The file status flags that tell a kept pipe: O_RDWR of O_ACCMODE (open(2)).
const accessMode = 0o3;
const readWrite = 0o2;

/**
 * The output streams of a process that was started by another with kept pipes; null for what is not one. `isStill`
 * tells, after the pipes have been opened, that the pid was that process's all the time.
 */
export function reattach(pid: number, isStill: () => boolean): ProcessStreams {
  const streams = new ProcessStreams();
  const fds = { stdout: openKept(pid, 1), stderr: openKept(pid, 2) };
  for (const name of ['stdout', 'stderr'] as const) {
    const fd = fds[name];
    if (fd < 0) continue;
    if (!isStill()) {
      native.close(fd);
      continue;
    }
    const stream = new FdStream(fd, { readable: true });
    streams[name] = stream;
    streams.own(
      () => stream.drain(),
      () => stream.destroy(),
    );
  }
  return streams;
}

/** The process can put anything in place of its descriptors: only an anonymous pipe is opened, and never waited for. */
function openKept(pid: number, number: number): number {
  const link = `/proc/${pid}/fd/${number}`;
  let fd = -1;
  try {
    if (!isPipe(link) || !isOpenForBoth(pid, number)) return -1;
    fd = reopen(link, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY);
    if (isPipe(`/proc/self/fd/${fd}`)) return fd;
    native.close(fd);
  } catch {
    // Gone, or not ours to open: not re-attached.
  }
  return -1;
}

function isPipe(link: string): boolean {
  return fs.readlinkSync(link).startsWith('pipe:[');
}

function isOpenForBoth(pid: number, number: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/${pid}/fdinfo/${number}`, 'latin1'))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & accessMode) === readWrite;
}
