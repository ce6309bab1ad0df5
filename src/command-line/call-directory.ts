import fs from 'node:fs';
import path from 'node:path';
import { errnoName } from '../system/errno';
import { isOwnerAlive, ownName } from '../system/owner';
import { makePrivateDirectory } from '../system/private-directory';
import { runDirectory } from '../system/run-directory';

/** What a call is about to make, written down for whoever comes after a process that was killed. */
export interface Intent {
  readonly root: string;
  readonly id: string;
  readonly cgroupsPath?: string | undefined;
  /** Its cgroup was not there before: what runs in it belongs to what was to be made. */
  readonly ownsCgroup: boolean;
}

const intentName = 'intent';

/**
 * A directory of one call (mode 0700) for what a runtime can only be given by path: its pid file and console
 * socket. Made below the user's run directory, so that socket paths stay short and nothing touches a disk.
 */
export class CallDirectory {
  static readonly prefix = 'call-';
  readonly path: string;
  readonly #names = new Set<string>();

  constructor(intent?: Intent) {
    // The owner in the name lets a later process recognise what a killed one left.
    const prefix = `${CallDirectory.prefix}${ownName()}-`;
    this.path = inRunDirectory((directory) => fs.mkdtempSync(path.join(directory, prefix)));
    if (intent) writeIntent(this.file(intentName), intent);
  }

  /** The path of a file in it, which whoever asks makes. */
  file(name: string): string {
    this.#names.add(name);
    return path.join(this.path, name);
  }

  remove(): void {
    try {
      // By hand, since rmSync takes half a millisecond to find out what is in it; usually it is what was asked for.
      for (const name of this.#names) unlinkIfThere(this.file(name));
      fs.rmdirSync(this.path);
    } catch {
      fs.rmSync(this.path, { recursive: true, force: true });
    }
  }
}

/** Makes something in the run directory, which is made and checked when that is done for the first time. */
function inRunDirectory(make: (directory: string) => string): string {
  const directory = runDirectory();
  if (directory === checkedRunDirectory) {
    try {
      return make(directory);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    }
  }
  makePrivateDirectory(directory);
  checkedRunDirectory = directory;
  return make(directory);
}

let checkedRunDirectory = '';

function unlinkIfThere(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
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
    return parseIntent(fs.readlinkSync(path.join(directory, intentName)));
  } catch {
    return null;
  }
}

export function parseIntent(text: string): Intent | null {
  try {
    const { root, id, cgroupsPath, ownsCgroup } = JSON.parse(text) as Partial<Intent>;
    if (typeof root !== 'string' || typeof id !== 'string') return null;
    return {
      root,
      id,
      ownsCgroup: ownsCgroup === true,
      ...(typeof cgroupsPath === 'string' ? { cgroupsPath } : {}),
    };
  } catch {
    return null;
  }
}

/** Whether the thread that a call directory is named after still runs. */
export function ownerIsAlive(name: string): boolean {
  return name.startsWith(CallDirectory.prefix) && isOwnerAlive(name.slice(CallDirectory.prefix.length));
}

/** Makes a dead process's call directory ours; null when another process was faster, or it is not ours. */
export function claimCallDirectory(directory: string): CallDirectory | null {
  let mine: CallDirectory | null = null;
  try {
    mine = new CallDirectory();
    fs.renameSync(directory, mine.path);
    return mine;
  } catch {
    mine?.remove();
    return null;
  }
}
