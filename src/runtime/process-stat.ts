import fs from 'node:fs';
import { native } from '../native';
import { readSmall, smallFile } from '../process/small-file';
import { errnoName, Unfamiliar } from './state';

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

const scratch = Buffer.allocUnsafeSlow(1024);

/** Reads a process' stat by descriptor, which stays bound to that process; null when it has been reaped. */
export function readStatFd(fd: number): ProcessStat | null {
  const length = native.readAt(fd, scratch, 0, scratch.length, 0);
  if (length > 0) return parseProcessStat(scratch, length);
  return null;
}

/** Reads a process' stat by pid; null when there is no such process. */
export function readStat(pid: number): ProcessStat | null {
  const length = readSmall(`/proc/${pid}/stat`);
  return length === null || length === 0 ? null : parseProcessStat(smallFile, length);
}

/** Opens /proc/pid/stat; -1 when there is no such process. */
export function openStat(pid: number): number {
  try {
    return fs.openSync(`/proc/${pid}/stat`, fs.constants.O_RDONLY);
  } catch (error) {
    const code = errnoName(error);
    if (code === 'ENOENT' || code === 'ESRCH') return -1;
    throw error;
  }
}

const kZombie = 0x5a;
const kDead = 0x58;

/** The rule of both runtimes: the same start time, and neither zombie nor dead. */
export function isAlive(stat: ProcessStat | null, startTime: number): boolean {
  return stat !== null && stat.startTime === startTime && stat.state !== kZombie && stat.state !== kDead;
}
