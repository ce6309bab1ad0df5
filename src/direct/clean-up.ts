import fs from 'node:fs';
import { removeCgroup } from '../runtime/cgroup';
import { Unfamiliar } from '../system/unfamiliar';
import type { Slices } from './slices';

/** A killed cgroup may be populated for a moment after its last process was seen to have exited. */
const kBusyTries = 20;
const kBusyWaitMs = 2;

/** The entries of a state directory in the order of `known`, if all of them are. */
export function knownEntriesOf(directory: string, known: ReadonlySet<string>): string[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  for (const entry of entries) {
    if (!known.has(entry.name) || entry.isDirectory()) {
      throw new Unfamiliar(`the state directory has the unknown entry '${entry.name}'`);
    }
  }
  const names = new Set(entries.map((entry) => entry.name));
  return [...known].filter((name) => names.has(name));
}

/**
 * Removes a stopped container's cgroups, then its state directory with these entries: the runtime's order. The first
 * of them is the state file: should we be killed in between, what is left is no container but a leftover. What is
 * still in use or has children is left to the runtime: it kills and retries. In slices, as each of these may take a
 * while.
 */
export async function cleanUp(
  directory: string,
  cgroups: readonly string[],
  entries: readonly string[],
  slices: Slices,
): Promise<void> {
  for (const cgroup of cgroups) {
    if (slices.isUsedUp()) await slices.next();
    await removeWhenEmpty(cgroup);
  }
  if (slices.isUsedUp()) await slices.next();
  for (const entry of entries) fs.unlinkSync(`${directory}/${entry}`);
  fs.rmdirSync(directory);
}

async function removeWhenEmpty(cgroup: string): Promise<void> {
  for (let tries = 0; !removeCgroup(cgroup); tries++) {
    if (tries === kBusyTries || hasProcessesOrChildren(cgroup)) throw new Unfamiliar(`${cgroup} is in use`);
    await new Promise((resolve) => {
      setTimeout(resolve, kBusyWaitMs);
    });
  }
}

function hasProcessesOrChildren(cgroup: string): boolean {
  return (
    fs.readFileSync(`${cgroup}/cgroup.procs`, 'latin1') !== '' ||
    fs.readdirSync(cgroup, { withFileTypes: true }).some((entry) => entry.isDirectory())
  );
}
