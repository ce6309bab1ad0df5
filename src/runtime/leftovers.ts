import fs from 'node:fs';
import path from 'node:path';
import { deleteArgs } from './args';
import { cgroupDirectories, cgroupMode, relativeCgroup } from './cgroup';
import { Deadline } from './deadline';
import type { Invoker } from './invoke';
import type { Settings } from './options';

const deleteMs = 10_000;
const rmdirTries = 50;
const rmdirPauseMs = 20;

/**
 * Removes what a failed create has left of its container: state directory, processes, cgroups. Returns whether
 * nothing is left. Not to be called for a container that was there before.
 */
export async function removeFailedContainer(
  invoker: Invoker,
  settings: Settings,
  id: string,
  cgroupsPath: string | undefined,
): Promise<boolean> {
  const stateDirectory = path.join(settings.root, id);
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

/** Removes a cgroup with those below it once they are empty; one with processes of others in it is left alone. */
async function removeCgroup(cgroupsPath: string): Promise<boolean> {
  let directories: string[];
  try {
    directories = cgroupDirectories(cgroupMode(), relativeCgroup(cgroupsPath));
  } catch {
    return true; // no cgroup file system that a runtime could have used
  }
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
