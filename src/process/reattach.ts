import fs from 'node:fs';
import { native } from '../native';
import { FdStream } from './fd-stream';
import { reopen } from './kept-pipe';
import { ProcessStreams } from './process-streams';

// O_ACCMODE, O_RDONLY and O_RDWR of open(2): a kept pipe is open for both in its process.
const accessMode = 0o3;
const readOnly = 0o0;
const readWrite = 0o2;

/**
 * The output streams of a running process that was started by another with kept pipes; null for what is not one.
 * `isStill` tells, after the pipes have been opened, that the pid was that process's all the time.
 */
export function reattach(pid: number, isStill: () => boolean): ProcessStreams {
  const fds = new Map([
    ['stdout', openKept(pid, 1, readWrite)],
    ['stderr', openKept(pid, 2, readWrite)],
  ] as const);
  return streamsOf(fds, isStill);
}

/** The same of a process that has ended, from the read ends that its keeper holds. */
export function reattachHeld(
  keeperPid: number,
  held: ReadonlyMap<'stdout' | 'stderr', number>,
): ProcessStreams {
  const fds = new Map(
    [...held].map(([name, number]) => [name, openKept(keeperPid, number, readOnly)] as const),
  );
  return streamsOf(fds, () => true);
}

function streamsOf(fds: ReadonlyMap<'stdout' | 'stderr', number>, isStill: () => boolean): ProcessStreams {
  const streams = new ProcessStreams();
  for (const [name, fd] of fds) {
    if (fd < 0) continue;
    if (isStill()) streams.readKept(name, new FdStream(fd, { readable: true }));
    else native.close(fd);
  }
  return streams;
}

/** The process can put anything in place of its descriptors: only an anonymous pipe is opened, and never waited for. */
function openKept(pid: number, number: number, mode: number): number {
  const link = `/proc/${pid}/fd/${number}`;
  let fd = -1;
  try {
    if (!isPipe(link) || accessModeOf(pid, number) !== mode) return -1;
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

function accessModeOf(pid: number, number: number): number {
  const flags = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/${pid}/fdinfo/${number}`, 'latin1'))?.[1];
  return flags === undefined ? -1 : Number.parseInt(flags, 8) & accessMode;
}
