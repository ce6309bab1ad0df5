import fs from 'node:fs';
import { native } from '../native';

/** The fields after the name in /proc/PID/stat (proc(5)): [0] is the state, field 3. The name may hold anything. */
export function readStat(pid: number | string): string[] | null {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); null when it is gone. */
export function startTicks(pid: number): number | null {
  const stat = readStat(pid);
  return stat ? Number(stat[19]) : null;
}

/** All processes below `pid`, nearest first. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(readStat(name)?.[1]);
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

/** SIGKILL by pidfd: the process meant when it was looked up, or none. */
export function killPid(pid: number): void {
  const pidfd = native.pidfdOpen(pid);
  if (pidfd < 0) return;
  native.pidfdSignal(pidfd, 9);
  native.close(pidfd);
}

/**
 * Ends a process with everything below it: a runtime that hangs, with its hooks and the half-made init, which has a
 * session of its own and so is not in the process group. Its children are taken first, while it can still be asked
 * for them; those made meanwhile are found by asking again.
 */
export function killTree(pid: number): void {
  const seen = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const fresh = descendants(pid).filter((child) => !seen.has(child));
    if (fresh.length === 0) break;
    for (const child of fresh) {
      seen.add(child);
      killPid(child);
    }
  }
  killPid(pid);
}
