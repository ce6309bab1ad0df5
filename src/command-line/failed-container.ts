import fs from 'node:fs';
import path from 'node:path';
import { isScarcity } from '../errors';
import { endProcesses } from '../process/tree';
import { cgroupHierarchies, cgroupMode, processesIn, relativeCgroup } from '../runtime/cgroup';
import { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { isThere } from '../system/file-stamp';
import { deleteArgs } from './arguments';
import type { Invoker } from './invoker';

const deleteMs = 10_000;
const rmdirTries = 50;
const rmdirPauseMs = 20;
const endRounds = 100;

/**
 * Removes what a failed create has left of its container: state directory, processes, cgroups. Returns whether
 * nothing is left. Not to be called for a container that was there before. ownsCgroup: its cgroup was not there
 * before either, so whatever runs in it has to go.
 */
export async function removeFailedContainer(
  invoker: Invoker,
  settings: Settings,
  id: string,
  cgroupsPath: string | undefined,
  ownsCgroup = false,
): Promise<boolean> {
  const stateDirectory = path.join(settings.root, id);
  if (ownsCgroup) await endCgroup(cgroupsPath ?? `/${id}`);
  if (fs.existsSync(stateDirectory)) {
    const deadline = new Deadline('delete', id, { timeoutMs: deleteMs });
    try {
      await invoker.invoke({ op: 'delete', id, args: deleteArgs(id, true), deadline });
    } catch {
      // A half-made container may be beyond the runtime's own delete: the rest is done by hand.
    } finally {
      deadline.dispose();
    }
  }
  // systemd removes its own scopes.
  const isCgroupGone = settings.cgroupManager !== 'cgroupfs' || (await removeCgroup(cgroupsPath ?? `/${id}`));
  if (isCgroupGone) fs.rmSync(stateDirectory, { recursive: true, force: true });
  return isCgroupGone && !fs.existsSync(stateDirectory);
}

/** Whether a cgroup is there; also when nobody can tell. */
export function hasCgroup(cgroupsPath: string): boolean {
  try {
    const relative = relativeCgroup(cgroupsPath);
    return ['', 'freezer/'].some((hierarchy) => isThere(`/sys/fs/cgroup/${hierarchy}${relative}`));
  } catch {
    return true;
  }
}

/** Ends what runs in a cgroup, and reaps what of it was ours: looked at until it is empty, as it may fork. */
async function endCgroup(cgroupsPath: string): Promise<void> {
  const directories = directoriesOf(cgroupsPath);
  for (let left = endRounds; left > 0; left--) {
    const pids = new Set(directories.flatMap(processesIn).filter((pid) => pid !== process.pid));
    if (pids.size === 0 || !(await endProcesses([...pids]))) return;
  }
}

/** Empty where there is no cgroup file system that a runtime could have used. */
function directoriesOf(cgroupsPath: string): string[] {
  try {
    const relative = relativeCgroup(cgroupsPath);
    return cgroupHierarchies(cgroupMode()).map((hierarchy) => `${hierarchy}/${relative}`);
  } catch (error) {
    if (isScarcity(error)) throw error;
    return [];
  }
}

/** Removes a cgroup with those below it once they are empty; one with processes of others in it is left alone. */
async function removeCgroup(cgroupsPath: string): Promise<boolean> {
  let directories = directoriesOf(cgroupsPath);
  for (let left = rmdirTries; ; left--) {
    directories = directories.filter((directory) => !removeTree(directory));
    if (directories.length === 0) return true;
    if (left === 0) return false;
    await new Promise((resolve) => setTimeout(resolve, rmdirPauseMs));
  }
}

function removeTree(directory: string): boolean {
  try {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) removeTree(path.join(directory, entry.name));
    fs.rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
