import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where this user's runtime state lives. */
export function runDirectory(): string {
  if (process.geteuid?.() === 0) return '/run/dobby-runc';
  // Empty or relative it is as unset (XDG Base Directory Specification: all paths must be absolute).
  const { XDG_RUNTIME_DIR: given = '' } = process.env;
  const base = path.isAbsolute(given) ? given : path.join(tmpdir(), `run-${process.geteuid?.()}`);
  return path.join(base, 'dobby-runc');
}

const hashes = new Map<string, string>();

/** A name for a runtime's root that can stand in a file's: two roots may have the same id. */
export function rootHash(root: string): string {
  let hash = hashes.get(root);
  if (hash === undefined) {
    hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
    hashes.set(root, hash);
  }
  return hash;
}
