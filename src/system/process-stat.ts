import { isScarcity } from '../errors';
import { native } from '../native';
import { kEsrch } from './errno';
import { readSmall, readSmallText, smallFile } from './small-file';
import { Unfamiliar } from './unfamiliar';

/** From /proc/pid/stat: the state (a character code) and the start time in clock ticks since boot. */
export interface ProcessStat {
  state: number;
  startTime: number;
}

const kSpace = 0x20;
const kCloseParenthesis = 0x29;
const kZero = 0x30;
/** Field 22 is the start time; the state, field 3, comes right after the command's closing parenthesis. */
const kFieldsToStartTime = 19;

/** Parses /proc/pid/stat. The command name may hold anything, so the last parenthesis counts. */
export function parseProcessStat(buffer: Buffer, length: number): ProcessStat {
  let at = buffer.lastIndexOf(kCloseParenthesis, length - 1) + 2;
  if (at < 2 || at >= length) throw new Unfamiliar('/proc/pid/stat has no command');
  const state = buffer[at] ?? 0;
  for (let fields = 0; fields < kFieldsToStartTime && at < length; at++) {
    if (buffer[at] === kSpace) fields++;
  }
  let startTime = 0;
  const first = at;
  for (; at < length; at++) {
    const digit = (buffer[at] ?? 0) - kZero;
    if (digit < 0 || digit > 9) break;
    startTime = startTime * 10 + digit;
  }
  if (at === first) throw new Unfamiliar('/proc/pid/stat has no start time');
  return { state, startTime };
}

/** Reads a process' stat by pid; null when there is no such process. */
export function readStat(pid: number): ProcessStat | null {
  const length = readSmall(`/proc/${pid}/stat`);
  return length === null || length === 0 ? null : parseProcessStat(smallFile, length);
}

const kZombie = 0x5a;
const kDead = 0x58;

/** The rule of both runtimes: the same start time, and neither zombie nor dead. */
export function isAlive(stat: ProcessStat | null, startTime: number): boolean {
  return stat !== null && stat.startTime === startTime && stat.state !== kZombie && stat.state !== kDead;
}

const scratch = Buffer.allocUnsafeSlow(1);

/**
 * Whether the process of an open /proc/pid/statm has an address space, its size not being '0 ...'; null when it has
 * been reaped. A zombie has none: do_exit() gives it back before it makes the process one (Linux, kernel/exit.c). The
 * file is made in a third of the time of /proc/pid/stat.
 */
export function hasMemory(statmFd: number): boolean | null {
  const length = native.readAt(statmFd, scratch, 0, 1, 0);
  return length === kEsrch ? null : length === 1 && scratch[0] !== kZero;
}

/**
 * The fields after the name in /proc/PID/stat (proc(5)): [0] is the state, field 3. The name may hold anything. null
 * when there is no such process; throws when nobody can tell (EMFILE).
 */
export function statFields(pid: number | string): string[] | null {
  try {
    const text = readSmallText(`/proc/${pid}/stat`);
    return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (isScarcity(error)) throw error;
    return null;
  }
}

/** When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); null when it is gone. */
export function startTicks(pid: number): number | null {
  const stat = statFields(pid);
  return stat ? Number(stat[19]) : null;
}

/** Whether a process is there and no zombie. */
export function isLive(pid: number): boolean {
  const state = pid > 0 ? statFields(pid)?.[0] : undefined;
  return state !== undefined && state !== 'Z' && state !== 'X';
}
