import { constants } from 'node:os';
import type { Group } from './injection';
import { type Step, steps } from './operations';

/** A system call of this package's own that fails, at each place of an operation where it is called. */
export interface SystemFault {
  /** Ends the sentence 'fails: …'. */
  name: string;
  group: Group;
  errno: keyof typeof constants.errno;
  /** How many calls in a row fail. */
  times?: number;
  /** Every how many places one is tried; 1 when not given. */
  stride?: number;
  steps: readonly Step[];
  /** Any of them, by where it happens; succeeding is always right, since much has a second way. */
  codes: readonly string[];
}

const launches: readonly Step[] = ['create', 'exec'];

function cannotStart(
  errno: SystemFault['errno'],
  code: string,
  where: readonly Step[] = launches,
): SystemFault {
  return {
    name: 'the runtime can’t be executed',
    group: 'exec',
    errno,
    times: 2,
    steps: where,
    codes: [code],
  };
}

export const systemFaults: readonly SystemFault[] = [
  {
    name: 'no descriptors left (this process)',
    group: 'descriptor',
    errno: 'EMFILE',
    steps: [...launches, 'state', 'destroy'],
    codes: ['ERR_SPAWN'],
  },
  {
    name: 'no descriptors left (the machine), from there on',
    group: 'descriptor',
    errno: 'ENFILE',
    times: 1000,
    stride: process.env.DOBBY_FAULTS === 'all' ? 1 : 3,
    steps: ['create', 'exec', 'start'],
    codes: ['ERR_SPAWN'],
  },
  { name: 'no process can be made', group: 'clone', errno: 'EAGAIN', steps, codes: ['ERR_SPAWN'] },
  { name: 'no memory for a process', group: 'clone', errno: 'ENOMEM', steps: launches, codes: ['ERR_SPAWN'] },
  cannotStart('ENOENT', 'ERR_RUNTIME_NOT_FOUND', steps),
  cannotStart('EACCES', 'ERR_SPAWN'),
  cannotStart('ENOEXEC', 'ERR_SPAWN'),
  cannotStart('ETXTBSY', 'ERR_SPAWN'),
  cannotStart('E2BIG', 'ERR_SPAWN'),
  { name: 'no memory for a watch', group: 'epoll', errno: 'ENOMEM', steps: launches, codes: ['ERR_SPAWN'] },
  { name: 'the disk of /run is full', group: 'disk', errno: 'ENOSPC', steps: launches, codes: ['ERR_SPAWN'] },
  { name: '/run is read-only', group: 'disk', errno: 'EROFS', steps: launches, codes: ['ERR_PERMISSION'] },
];

/** The number of an error. */
export function errnoOf({ errno }: SystemFault): number {
  return constants.errno[errno];
}
