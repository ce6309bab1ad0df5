import fs from 'node:fs';
import { native } from '../native';
import { statFields } from '../system/process-stat';
import { WatchedProcess } from './exit';
import { sigkill } from './signals';

// After SIGKILL a process that is not in uninterruptible sleep is gone in milliseconds.
const endMs = 5000;
const stopMs = 5;

/** All processes below `pid`, nearest first. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(name)?.[1]);
    if (!parent) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const found: number[] = [];
  for (let next = [pid]; next.length > 0; ) {
    next = next.flatMap((parent) => children.get(parent) ?? []);
    found.push(...next);
  }
  return found;
}

/**
 * Ends a process with everything below it: a runtime that hangs, with its hooks and the half-made init, which has a
 * session of its own and so is not in the process group. It is stopped first: what can run can fork, and its child may
 * have no other parent to be found by a moment later. Somebody else waits for its end (`exited`), or nobody; resolves
 * when what was below it is gone and reaped, or with false after five seconds.
 */
export async function endTree(pid: number, exited?: Promise<unknown>): Promise<boolean> {
  let below: ReadonlyMap<number, number> = new Map();
  try {
    signalChild(pid, 'SIGSTOP');
    for (const end = performance.now() + stopMs; performance.now() < end && !isStill(pid); );
    below = openAndKill([...descendants(pid), ...descendants(pid)]);
  } finally {
    // Out of descriptors, it ends at least itself.
    signalChild(pid, 'SIGKILL');
  }
  // Only when their parent is gone are they ours to reap; watched before, they would be seen to end and left.
  await (exited ?? endProcesses([pid]));
  return await untilGone(below);
}

/** By pid, which needs no descriptor: it is an unreaped child of ours, or of one. */
function signalChild(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function isStill(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state === undefined || 'TtZX'.includes(state);
}

/** SIGKILL to each; resolves when all are gone and reaped, or with false after five seconds. */
export async function endProcesses(pids: readonly number[]): Promise<boolean> {
  return await untilGone(openAndKill(pids));
}

function openAndKill(pids: readonly number[]): Map<number, number> {
  const pidfds = new Map<number, number>();
  for (const pid of new Set(pids)) {
    const pidfd = native.pidfdOpen(pid);
    if (pidfd < 0) continue;
    native.pidfdSignal(pidfd, sigkill);
    pidfds.set(pid, pidfd);
  }
  return pidfds;
}

/** Takes over the pidfds. */
async function untilGone(pidfds: ReadonlyMap<number, number>): Promise<boolean> {
  let left = pidfds.size;
  if (left === 0) return true;
  return await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, endMs, false);
    const onGone = (): void => {
      if (--left > 0) return;
      clearTimeout(timer);
      resolve(true);
    };
    for (const [pid, pidfd] of pidfds) {
      try {
        // Watched, so that it is reaped whenever it ends; but nobody is kept waiting for it.
        new WatchedProcess(pid, pidfd, onGone).unref();
      } catch {
        onGone(); // Out of memory or descriptors: killed, and reaped as an orphan.
      }
    }
  });
}

/** The processes of a session: a runtime is started as the leader of its own, and so are those below it at first. */
export function sessionMembers(session: number): number[] {
  return processesWhere((stat) => Number(stat[3]) === session);
}

/** The pids of all processes whose /proc/PID/stat fields (as statFields() gives them) fit. */
export function processesWhere(fits: (stat: string[], pid: number) => boolean): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statFields(pid);
      return stat !== null && fits(stat, pid);
    });
}
