import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { hierarchies } from './observe';
import type { Twin } from './twin';

/** Something that happens to a container's files from outside. Returns how to undo it, or null when it can't be. */
export type Damage = (twin: Twin, stateFile: string) => (() => void) | null;

function hide(path: string, twin: Twin): (() => void) | null {
  if (!existsSync(path)) return null;
  const hidden = `${twin.directory}/hidden-${path.slice(path.lastIndexOf('/') + 1)}`;
  renameSync(path, hidden);
  return () => {
    if (existsSync(twin.stateDirectory) && existsSync(hidden)) renameSync(hidden, path);
  };
}

/** Replaces the content by rename, as the runtimes do. */
function replace(path: string, twin: Twin, change: (text: string) => string): (() => void) | null {
  if (!existsSync(path)) return null;
  const before = readFileSync(path, 'utf8');
  const write = (text: string): void => {
    if (!existsSync(twin.stateDirectory)) return;
    writeFileSync(`${twin.directory}/replacement`, text, {
      mode: statSync(twin.stateDirectory).mode & 0o600,
    });
    renameSync(`${twin.directory}/replacement`, path);
  };
  write(change(before));
  return () => write(before);
}

export const damages = {
  'state file missing': (twin, stateFile) => hide(`${twin.stateDirectory}/${stateFile}`, twin),
  'state file truncated': (twin, stateFile) => {
    const path = `${twin.stateDirectory}/${stateFile}`;
    if (!existsSync(path)) return null;
    const before = readFileSync(path);
    truncateSync(path, Math.floor(before.length / 2));
    return () => {
      if (existsSync(path)) writeFileSync(path, before);
    };
  },
  'state file empty': (twin, stateFile) => replace(`${twin.stateDirectory}/${stateFile}`, twin, () => ''),
  'unknown key': (twin, stateFile) =>
    replace(`${twin.stateDirectory}/${stateFile}`, twin, (text) => text.replace('{', '{"new-in-2030": [1],')),
  'written by a newer version': (twin, stateFile) =>
    replace(`${twin.stateDirectory}/${stateFile}`, twin, (text) => writtenByNewer(stateFile, text)),
  'the same text anew': (twin, stateFile) =>
    replace(`${twin.stateDirectory}/${stateFile}`, twin, (text) => `${text}\n`),
  'pid reused': (twin, stateFile) =>
    replace(`${twin.stateDirectory}/${stateFile}`, twin, (text) =>
      text.replace(/("process-start-time"|"init_process_start"):( ?)(\d+)/, (_all, key, space, time) =>
        [key, ':', space, String(Number(time) - 1)].join(''),
      ),
    ),
  'config.json missing': (twin) => hide(`${twin.stateDirectory}/config.json`, twin),
  'exec.fifo missing': (twin) => hide(`${twin.stateDirectory}/exec.fifo`, twin),
  'unknown entry': (twin) => {
    if (!existsSync(twin.stateDirectory)) return null;
    writeFileSync(`${twin.stateDirectory}/extra`, '');
    return () => rmSync(`${twin.stateDirectory}/extra`, { force: true });
  },
  'nested cgroup': (twin) => {
    const made = hierarchies()
      .map((hierarchy) => `${hierarchy}${twin.cgroupsPath}`)
      .filter((directory) => existsSync(directory));
    for (const directory of made) mkdirSync(`${directory}/nested`, { recursive: true });
    return null;
  },
} satisfies Record<string, Damage>;

/** As json-c writes it (crun from 1.28), or without empty fields (runc from 1.4). */
function writtenByNewer(stateFile: string, text: string): string {
  if (!isJson(text)) return text;
  const json = JSON.parse(text) as Record<string, unknown>;
  if (stateFile === 'status') return JSON.stringify(json).replaceAll('/', '\\/');
  const withoutEmpty = (_key: string, value: unknown): unknown =>
    value === null || value === '' || value === false || value === 0 ? undefined : value;
  return JSON.stringify(json, withoutEmpty);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Removes what is left of a container by hand, whatever has become of it. */
export function removeByHand(twin: Twin): void {
  for (const hierarchy of hierarchies()) killBelow(`${hierarchy}${twin.cgroupsPath}`);
  rmSync(twin.stateDirectory, { recursive: true, force: true });
}

/** Thaws only when all are killed: thawed first, a program would run on until the signal comes. */
function killBelow(directory: string): void {
  if (!existsSync(directory)) return;
  for (const pid of readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n')) {
    if (pid !== '' && pid !== '0') {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended in between.
      }
    }
  }
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) killBelow(`${directory}/${entry.name}`);
  }
  for (const file of ['cgroup.freeze', 'freezer.state']) {
    if (existsSync(`${directory}/${file}`)) {
      writeFileSync(`${directory}/${file}`, file === 'cgroup.freeze' ? '0' : 'THAWED');
    }
  }
}

/** Removes a cgroup and what is below it: the runtimes make parents of containers' cgroups and leave them. */
export async function removeParentCgroup(path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const left = hierarchies().filter((hierarchy) => existsSync(`${hierarchy}${path}`));
    if (left.length === 0) return;
    try {
      for (const hierarchy of left) removeBelow(`${hierarchy}${path}`);
    } catch (error) {
      // Processes that were killed are in their cgroups until they are gone.
      if (tries === 200) throw error;
      await delay(5);
    }
  }
}

function removeBelow(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeBelow(`${directory}/${entry.name}`);
  }
  rmdirSync(directory);
}
