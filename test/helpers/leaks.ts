// What could be left behind, as sorted lists of readable lines, and what two of those differ by.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Snapshot {
  /** Open descriptors of this process, by what they are open on. */
  descriptors: string[];
  /** Children of this process: 'zombie 12 (sh)', 'child 13 (sleep)'. */
  children: string[];
  /** Processes in the cgroups below ours, but for this one; only in cgroups of our own (the test runner's). */
  processes: string[];
  cgroups: string[];
  mounts: string[];
  /** Containers' state directories below the runtimes' and this package's default roots. */
  stateDirectories: string[];
  /** Entries of the temporary directory: all in one of our own, else those that begin with 'dobby-'. */
  temporaryFiles: string[];
  /** What would keep this process's event loop turning: timers that are set, sockets, requests under way. */
  resources: string[];
  /** Listeners on `process`, by event. */
  listeners: string[];
}

export interface SnapshotOptions {
  /** Further directories whose entries are containers' state: a test's own --root. */
  stateRoots?: readonly string[];
}

const cgroupRoot = '/sys/fs/cgroup';
// Set by scripts/cgroup-env and the test runner: what is there is this run's alone, so all of it counts.
const hasOwnCgroups = process.env.DOBBY_OWN_CGROUPS === '1';
const hasOwnTmpdir = process.env.DOBBY_OWN_TMPDIR === '1';

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function openDescriptors(): string[] {
  const targets: string[] = [];
  for (const fd of entriesOf('/proc/self/fd')) {
    try {
      targets.push(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // The one that listed the directory.
    }
  }
  return targets;
}

/** The command, state and parent of a process, from /proc/<pid>/stat; undefined when it is gone. */
function statOf(pid: string): { command: string; state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command stands in parentheses and may itself hold any character.
    const end = stat.lastIndexOf(')');
    const [state = '', parent = ''] = stat.slice(end + 2).split(' ');
    return { command: stat.slice(stat.indexOf('(') + 1, end), state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function childProcesses(): string[] {
  const children: string[] = [];
  for (const pid of entriesOf('/proc')) {
    const stat = /^\d+$/.test(pid) ? statOf(pid) : undefined;
    if (stat?.parent !== process.pid) continue;
    children.push(`${stat.state === 'Z' ? 'zombie' : 'child'} ${pid} (${stat.command})`);
  }
  return children;
}

function directoriesBelow(directory: string, wanted: (name: string) => boolean = () => true): string[] {
  let entries: string[];
  try {
    entries = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && wanted(entry.name))
      .map((entry) => path.join(directory, entry.name));
  } catch {
    return []; // Removed since it was listed.
  }
  return entries.flatMap((entry) => [entry, ...directoriesBelow(entry)]);
}

function isUnified(): boolean {
  return entriesOf(cgroupRoot).includes('cgroup.procs');
}

/** The mount points of the hierarchies. */
function hierarchies(): string[] {
  if (isUnified()) return [cgroupRoot];
  return readdirSync(cgroupRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(cgroupRoot, entry.name));
}

function presentCgroups(): string[] {
  if (hasOwnCgroups) return hierarchies().flatMap((hierarchy) => directoriesBelow(hierarchy));
  // Without root we cannot have made one.
  if (process.getuid?.() !== 0) return [];
  // Services come and go in the machine's own cgroups; look where containers are and services are not.
  if (isUnified())
    return directoriesBelow(cgroupRoot, (name) => !/\.(slice|scope|service|mount)$/.test(name));
  return directoriesBelow(path.join(cgroupRoot, 'freezer'));
}

function processesInCgroups(): string[] {
  if (!hasOwnCgroups) return [];
  const pids = new Set<string>();
  for (const hierarchy of hierarchies()) {
    for (const cgroup of [hierarchy, ...directoriesBelow(hierarchy)]) {
      let listed = '';
      try {
        listed = readFileSync(path.join(cgroup, 'cgroup.procs'), 'utf8');
      } catch {
        // Removed since it was listed.
      }
      for (const pid of listed.split('\n')) if (pid !== '' && pid !== String(process.pid)) pids.add(pid);
    }
  }
  return [...pids].map((pid) => `${pid} (${statOf(pid)?.command ?? 'gone'})`);
}

function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const fields = line.split(' ');
      const type = fields[fields.indexOf('-') + 1];
      return `${fields[4]} (${type})`;
    });
}

function stateDirectories(roots: readonly string[]): string[] {
  const ours = entriesOf('/run/dobby-runc').map((name) => path.join('/run/dobby-runc', name));
  return [...ours, '/run/crun', '/run/runc', ...roots].flatMap((root) =>
    entriesOf(root).map((name) => path.join(root, name)),
  );
}

function temporaryFiles(): string[] {
  return entriesOf(tmpdir())
    .filter((name) => hasOwnTmpdir || name.startsWith('dobby-'))
    .map((name) => path.join(tmpdir(), name));
}

export function snapshot(options: SnapshotOptions = {}): Snapshot {
  return {
    descriptors: openDescriptors().sort(),
    children: childProcesses().sort(),
    processes: processesInCgroups().sort(),
    cgroups: presentCgroups().sort(),
    mounts: mountPoints().sort(),
    stateDirectories: stateDirectories(options.stateRoots ?? []).sort(),
    temporaryFiles: temporaryFiles().sort(),
    resources: process.getActiveResourcesInfo().sort(),
    listeners: process.eventNames().flatMap((name) => Array(process.listenerCount(name)).fill(String(name))),
  };
}

/** What `after` has more than `before`, one line each: empty when nothing was left. */
export function diff(before: Snapshot, after: Snapshot): string[] {
  const left: string[] = [];
  for (const what of Object.keys(after) as (keyof Snapshot)[]) {
    const known = new Map<string, number>();
    for (const line of before[what]) known.set(line, (known.get(line) ?? 0) + 1);
    for (const line of after[what]) {
      const count = known.get(line) ?? 0;
      if (count > 0) known.set(line, count - 1);
      else left.push(`${what}: ${line}`);
    }
  }
  return left;
}

/**
 * What is left compared to `before`, given a moment: a process that was killed takes a while to be gone from
 * its cgroup, and a socket's descriptor is closed on a later turn of the loop.
 */
export async function leftSince(
  before: Snapshot,
  options: SnapshotOptions & { waitMs?: number; isExpected?: (line: string) => boolean } = {},
): Promise<string[]> {
  const { isExpected = () => false } = options;
  const deadline = Date.now() + (options.waitMs ?? 2000);
  for (;;) {
    const left = diff(before, snapshot(options)).filter((line) => !isExpected(line));
    if (left.length === 0 || Date.now() >= deadline) return left;
    await delay(50);
  }
}
