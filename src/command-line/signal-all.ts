import fs from 'node:fs';
import path from 'node:path';
import { native } from '../native';
import { processesIn } from '../runtime/cgroup';
import type { Settings } from '../runtime/options';
import { readStateFile } from '../runtime/state-file';
import { isObject } from '../system/json';
import type { RuntimeVersion } from './runtime-version';

/** Processes that appear while others are being signalled are looked for this often. */
const kRounds = 10;

/** From 1.2 on runc's `kill --all` is for the init alone (its option is 'obsoleted'), but for KILL. */
export function signalsInitOnly({ kind, version }: RuntimeVersion): boolean {
  return kind === 'runc' && !/^(0|1\.[01])(\.|$)/.test(version);
}

/** Sends a signal to every process in a container's cgroup and those below it. False when it has no known cgroup. */
export function signalAll(settings: Settings, id: string, signal: number): boolean {
  const { cgroup_paths: paths } = readStateFile(settings, id);
  const directory = isObject(paths) ? (paths[''] ?? paths.freezer ?? paths.pids) : undefined;
  if (typeof directory !== 'string' || !directory.startsWith('/sys/fs/cgroup/')) return false;
  const done = new Set<number>();
  for (let round = 0; round < kRounds; round++) {
    const pids = allProcessesIn(directory).filter((pid) => !done.has(pid));
    if (pids.length === 0) break;
    for (const pid of pids) {
      done.add(pid);
      signalMember(directory, pid, signal);
    }
  }
  return true;
}

/** By a pidfd, and only if it is in the cgroup while that is open: the pid has not been given to another process. */
function signalMember(directory: string, pid: number, signal: number): void {
  const pidfd = native.pidfdOpen(pid);
  if (pidfd < 0) return;
  try {
    if (allProcessesIn(directory).includes(pid)) native.pidfdSignal(pidfd, signal);
  } finally {
    native.close(pidfd);
  }
}

function allProcessesIn(directory: string): number[] {
  return [...processesIn(directory), ...directoriesIn(directory).flatMap(allProcessesIn)];
}

function directoriesIn(directory: string): string[] {
  try {
    const entries = fs.readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(directory, entry.name));
  } catch {
    return [];
  }
}
