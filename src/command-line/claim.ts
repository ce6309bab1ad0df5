import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName } from '../system/errno';
import { isOwnerAlive, ownName } from '../system/owner';
import { makePrivateDirectory } from '../system/private-directory';
import { runDirectory } from '../system/run-directory';

const directoryName = 'claims';
const mostTries = 16;

let count = 0;

/**
 * The word of one create that an id is its to make: a symlink, which comes to be in one system call or not at all. All
 * processes of this user that use this package respect it, so that of several creators one starts a runtime. The
 * runtimes themselves would let one win, and the others fail of whatever the winner was at just then.
 */
export class Claim {
  readonly #file: string;
  readonly #text: string;

  private constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** null when another create, of a process that is alive, has the id. */
  static take(root: string, id: string): Claim | null {
    const file = fileOf(root, id);
    const text = `${ownName()}-${count++}`;
    for (let tries = 0; tries < mostTries; tries++) {
      if (makeLink(text, file)) return new Claim(file, text);
      const other = readLink(file);
      if (other !== null && isOwnerAlive(other)) return null;
      if (other !== null) removeLink(file, other);
    }
    return null;
  }

  /** Whether nobody has ended it: who removes by force what is being made takes the claim away first. */
  isHeld(): boolean {
    return readLink(this.#file) === this.#text;
  }

  release(): void {
    removeLink(this.#file, this.#text);
  }

  /** Takes an id from whoever is making a container of it. */
  static end(root: string, id: string): void {
    try {
      fs.unlinkSync(fileOf(root, id));
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    }
  }

  /** Removes the claims of those that are gone. */
  static removeStale(): void {
    const directory = path.join(runDirectory(), directoryName);
    let names: string[] = [];
    try {
      names = fs.readdirSync(directory);
    } catch {
      // None was ever made.
    }
    for (const name of names) {
      const file = path.join(directory, name);
      const owner = readLink(file);
      if (owner !== null && !isOwnerAlive(owner)) removeLink(file, owner);
    }
  }
}

function fileOf(root: string, id: string): string {
  // An id may be as long as a file's name.
  const name = createHash('sha256').update(`${root}\0${id}`).digest('hex').slice(0, 32);
  return path.join(runDirectory(), directoryName, name);
}

/** False when there is one already. */
function makeLink(text: string, file: string): boolean {
  try {
    fs.symlinkSync(text, file);
    return true;
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return false;
    if (errnoName(error) !== 'ENOENT') throw error;
    makePrivateDirectory(runDirectory());
    makePrivateDirectory(path.dirname(file));
    return makeLink(text, file);
  }
}

function readLink(file: string): string | null {
  try {
    return fs.readlinkSync(file);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Removes a claim if it is still the one that is meant: moved aside first, which one process can, and put back when it
 * turns out to be a newer one.
 */
function removeLink(file: string, text: string): void {
  if (readLink(file) !== text) return;
  const aside = `${file}.${ownName()}-${count++}`;
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readLink(aside);
  if (moved !== null && moved !== text) makeLink(moved, file);
  fs.rmSync(aside, { force: true });
}
