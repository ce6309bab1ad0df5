import fs from 'node:fs';
import path from 'node:path';

/** Checks that the directory is ours, or makes it with mode 0700. */
export function makePrivateDirectory(directory: string): void {
  if (checkPrivateDirectory(directory)) return;
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    // On a read-only file system Node says ENOENT: there without `recursive` it says what is the matter.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    fs.mkdirSync(directory, { mode: 0o700 });
  }
  checkPrivateDirectory(directory);
}

/**
 * Whoever can write in a directory, or put another in its place, says there what a container is: which process it is,
 * and so which one is killed. Throws EACCES unless directory and what it is in are for this user (or root) to change.
 * False when it is not there.
 */
export function checkPrivateDirectory(directory: string): boolean {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) refuse(directory, 'is not a directory');
  checkOwner(directory, stat);
  const parent = path.dirname(directory);
  const above = fs.statSync(parent, { throwIfNoEntry: false });
  // In a sticky directory (/tmp) only the owner can rename what is his.
  if (above && !(above.mode & sticky)) checkOwner(parent, above);
  return true;
}

const sticky = 0o1000;
const othersWrite = 0o002;

function checkOwner(directory: string, { uid, mode }: fs.Stats): void {
  if (uid !== process.geteuid?.() && uid !== 0) refuse(directory, `belongs to user ${uid}`);
  if (mode & othersWrite) refuse(directory, 'can be written by everybody');
}

function refuse(directory: string, why: string): never {
  throw Object.assign(new Error(`${directory}: ${why}`), { code: 'EACCES' });
}
