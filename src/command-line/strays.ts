import fs from 'node:fs';
import { native } from '../native';
import { isWatched } from '../process/exit';
import { endProcesses, processesWhere, sessionMembers } from '../process/tree';
import { startTicks } from '../system/process-stat';

/**
 * Ends what a runtime that failed has left running: its helpers and hooks, which are in its session, and a process
 * that it has put into a container without telling its pid. That one is then our child (or the reaper's), nobody
 * waits for it, it is younger than the call, and it shares the pid namespace or the cgroup of the container's init.
 */
export async function endStrays(
  runtimePid: number,
  initPid: number,
  bornSinceTicks: number,
): Promise<boolean> {
  const strays = new Set(sessionMembers(runtimePid).filter((pid) => !isWatched(pid)));
  for (const pid of initPid > 0 ? joinersOf(initPid, bornSinceTicks) : []) strays.add(pid);
  return await endProcesses([...strays]);
}

function joinersOf(initPid: number, bornSinceTicks: number): number[] {
  const home = homeOf(initPid);
  if (home === null || home === homeOf(process.pid)) return [];
  const reaper = native.subreaper(-1) === 1 ? process.pid : 1;
  return processesWhere((stat, pid) => {
    if (Number(stat[1]) !== reaper) return false;
    if (pid === initPid || isWatched(pid) || (startTicks(pid) ?? 0) < bornSinceTicks) return false;
    return homeOf(pid) === home;
  });
}

/** The pid namespace of a container's process; its cgroups where it has none of its own. */
function homeOf(pid: number): string | null {
  try {
    const namespace = fs.readlinkSync(`/proc/${pid}/ns/pid`);
    if (namespace !== fs.readlinkSync('/proc/self/ns/pid')) return namespace;
    return fs.readFileSync(`/proc/${pid}/cgroup`, 'latin1');
  } catch {
    return null;
  }
}
