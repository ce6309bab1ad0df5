import fs from 'node:fs';
import path from 'node:path';
import { startTicks } from '../process/tree';
import { runDirectory } from './options';

/** What a call is about to make, written down for whoever comes after a process that was killed. */
export interface Intent {
  readonly root: string;
  readonly id: string;
  readonly cgroupsPath?: string | undefined;
}

const intentName = 'intent';

/**
 * A directory of one call (mode 0700) for what a runtime can only be given by path: its pid file and console
 * socket. Made below the user's run directory, so that socket paths stay short and nothing touches a disk.
 */
export class CallDirectory {
  static readonly prefix = 'call-';
  readonly path: string;

  constructor(intent?: Intent) {
    const parent = runDirectory();
    makePrivateDirectory(parent);
    // The owner in the name lets a later process recognise what a killed one left.
    this.path = fs.mkdtempSync(path.join(parent, `${CallDirectory.prefix}${ownName()}-`));
    if (intent) writeIntent(this.file(intentName), intent);
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

/** The target of a symlink is a text that is there whole or not at all, for one system call. */
function writeIntent(file: string, intent: Intent): void {
  try {
    fs.symlinkSync(JSON.stringify(intent), file);
  } catch {
    // Longer than a path can be (4095 bytes): then a killed create is recognised by its state directory alone.
  }
}

export function readIntent(directory: string): Intent | null {
  try {
    const { root, id, cgroupsPath } = JSON.parse(
      fs.readlinkSync(path.join(directory, intentName)),
    ) as Partial<Intent>;
    if (typeof root !== 'string' || typeof id !== 'string') return null;
    return { root, id, ...(typeof cgroupsPath === 'string' ? { cgroupsPath } : {}) };
  } catch {
    return null;
  }
}

let own: string | undefined;

/** pid and start time: a pid alone is given to another process sooner or later, in a container often to the next. */
function ownName(): string {
  own ??= `${process.pid}-${startTicks(process.pid)}`;
  return own;
}

/** Whether the process that a call directory is named after still runs. */
export function ownerIsAlive(name: string): boolean {
  const [, pid, ticks] = /^call-(\d+)-(\d+)-/.exec(name) ?? [];
  return pid !== undefined && startTicks(Number(pid)) === Number(ticks);
}

/** Makes a dead process's call directory ours; null when another process was faster. */
export function claimCallDirectory(directory: string): CallDirectory | null {
  const mine = new CallDirectory();
  try {
    fs.renameSync(directory, mine.path);
    return mine;
  } catch {
    mine.remove();
    return null;
  }
}

/** Makes a directory of mode 0700 or checks that the one there is ours. */
export function makePrivateDirectory(directory: string): void {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stat = fs.lstatSync(directory);
  const uid = process.geteuid?.();
  if (!stat.isDirectory() || (stat.uid !== uid && stat.uid !== 0))
    throw Object.assign(new Error(`${directory}: not a directory of this user`), { code: 'EACCES' });
}
